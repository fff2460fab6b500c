//! Time, processor time and peak memory of a piece of work.

use std::time::Instant;

/// What one run took, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) wall: f64,
    /// Processor time of this process's one thread; the wall time where the system has no such clock.
    pub(crate) cpu: f64,
}

impl Sample {
    pub(crate) fn per(self, n: f64) -> Self {
        Self {
            wall: self.wall / n,
            cpu: self.cpu / n,
        }
    }
}

/// Whether the system tells processor time. Without it the wall time stands in, and is said aloud.
pub(crate) fn has_cpu_clock() -> bool {
    cpu_nanoseconds().is_some()
}

/// The scheduler's count for this process's main thread, the only one that works.
fn cpu_nanoseconds() -> Option<f64> {
    // Yielding makes the scheduler book what ran since its last tick.
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    text.split_ascii_whitespace().next()?.parse().ok()
}

/// Runs `work` once.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Sample) {
    let before = cpu_nanoseconds();
    let begin = Instant::now();
    let value = work();
    let wall = begin.elapsed().as_nanos() as f64;
    let cpu = match (before, cpu_nanoseconds()) {
        (Some(before), Some(after)) => after - before,
        _ => wall,
    };
    (value, Sample { wall, cpu })
}

/// The middle of the wall times and the middle of the processor times; the upper one of two.
pub(crate) fn median(samples: &[Sample]) -> Sample {
    let middle = |of: fn(&Sample) -> f64| {
        let mut values: Vec<f64> = samples.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    Sample {
        wall: middle(|s| s.wall),
        cpu: middle(|s| s.cpu),
    }
}

/// The largest resident memory of this process so far, in MiB; `None` where the system is silent.
pub(crate) fn peak_mib() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}
