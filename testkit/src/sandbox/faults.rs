//! Lies of a served venue: told by count, so that a run can be repeated.

use std::time::Duration;

/// What a venue does wrong. The default is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Each order is in the books this long before its answer leaves.
    pub delay_answer: Duration,
    /// Every so many orders one is booked and never answered; 0 is none.
    pub drop_answer: u64,
    /// Every so many facts one is told twice; 0 is none.
    pub duplicate_fact: u64,
}

impl Faults {
    /// Adds a fault as it is written on a command line: `delay-answer=MS`, `drop-answer=N`,
    /// `duplicate-fact=N`.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn add(&mut self, text: &str) -> Result<(), String> {
        let (name, number) = text
            .split_once('=')
            .ok_or_else(|| format!("'{text}' is no fault: write it as drop-answer=3"))?;
        let number: u64 = number
            .parse()
            .map_err(|_| format!("'{number}' in '{text}' is not a number"))?;
        match name {
            "delay-answer" => self.delay_answer = Duration::from_millis(number),
            "drop-answer" => self.drop_answer = number,
            "duplicate-fact" => self.duplicate_fact = number,
            _ => {
                return Err(format!(
                    "there is no fault '{name}': delay-answer, drop-answer, duplicate-fact"
                ));
            }
        }
        Ok(())
    }

    /// Whether the answer to the `n`-th order is dropped, counted from 1.
    pub(super) const fn drops(&self, n: u64) -> bool {
        self.drop_answer > 0 && n.is_multiple_of(self.drop_answer)
    }

    /// Whether the `n`-th fact is told twice, counted from 1.
    pub(super) const fn doubles(&self, n: u64) -> bool {
        self.duplicate_fact > 0 && n.is_multiple_of(self.duplicate_fact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_and_counted() {
        let mut faults = Faults::default();
        assert!((1..100).all(|n| !faults.drops(n) && !faults.doubles(n)));
        for text in ["drop-answer=3", "duplicate-fact=2", "delay-answer=40"] {
            faults.add(text).unwrap();
        }
        assert_eq!(faults.delay_answer, Duration::from_millis(40));
        let dropped: Vec<u64> = (1..=9).filter(|n| faults.drops(*n)).collect();
        assert_eq!(dropped, [3, 6, 9]);
        for text in ["drop-answer", "drop-answer=x", "explode=1"] {
            assert!(faults.add(text).is_err(), "{text}");
        }
    }
}
