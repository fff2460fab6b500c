//! Figures of this process.

/// The largest resident memory this process has had, in bytes; `None` where the system does not
/// tell (anything but Linux).
pub fn peak_rss_bytes() -> Option<u64> {
    parse_peak(&std::fs::read_to_string("/proc/self/status").ok()?)
}

/// Reads the line `VmHWM:   1234 kB`.
fn parse_peak(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_line_is_read_exactly() {
        for (status, expected) in [
            (
                "Name:\tx\nVmHWM:\t   2048 kB\nVmRSS:\t 1 kB\n",
                Some(2_097_152),
            ),
            ("VmHWM:\t2048\n", None),
            ("VmRSS:\t 1 kB\n", None),
        ] {
            assert_eq!(parse_peak(status), expected, "{status:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn touching_memory_raises_the_peak() {
        let before = peak_rss_bytes().unwrap();
        let block = vec![1_u8; 64 << 20];
        assert!(block.iter().all(|b| *b == 1));
        assert!(peak_rss_bytes().unwrap() >= before + (32 << 20));
    }
}
