//! A day that went wrong, made small: fewer minutes, fewer faults, fewer instruments, calmer prices.

use super::plan::Plan;
use super::planted::Planted;
use super::run_with;

/// Days that are played at most to make one small.
const MOST_TRIES: u32 = 400;

/// The smallest day found that breaks the same invariant, or `None` when this one breaks none.
///
/// Each step is kept only if the day still goes wrong in the same way, so the result is a proof of
/// its own; it need not be the smallest there is.
pub fn shrink(plan: &Plan, bug: Option<Planted>) -> Option<Plan> {
    let invariant = run_with(plan, bug).violation?.invariant;
    let mut search = Search {
        best: plan.clone(),
        invariant,
        bug,
        tries: 0,
    };
    search.horizon();
    search.faults();
    search.instruments();
    search.prices_and_venue();
    search.faults();
    search.horizon();
    Some(search.best)
}

struct Search {
    best: Plan,
    invariant: String,
    bug: Option<Planted>,
    tries: u32,
}

impl Search {
    /// Keeps a smaller day if it goes wrong in the same way.
    fn keep(&mut self, plan: Plan) -> bool {
        if self.tries >= MOST_TRIES || plan == self.best {
            return false;
        }
        self.tries += 1;
        let violation = run_with(&plan, self.bug).violation;
        let same = violation.is_some_and(|v| v.invariant == self.invariant);
        if same {
            self.best = plan;
        }
        same
    }

    /// Ends the day just after it went wrong; or ends it sooner, with time to heal.
    fn horizon(&mut self) {
        if let Some(v) = run_with(&self.best, self.bug).violation {
            let minute = u32::try_from(v.at / 60_000).unwrap_or(u32::MAX);
            let mut plan = self.best.clone();
            plan.minutes = plan.minutes.min(minute.saturating_add(2));
            if self.keep(plan) {
                self.drop_later();
                return;
            }
        }
        for minutes in [120, 180, 240, 360, 480, 720, 960, 1_200] {
            if minutes >= self.best.minutes {
                break;
            }
            let mut plan = self.best.clone();
            (plan.minutes, plan.heal, plan.calm) = (minutes, minutes - 90, minutes - 45);
            if self.keep(plan) {
                self.drop_later();
                return;
            }
        }
    }

    /// Faults after the end of the day never happen.
    fn drop_later(&mut self) {
        let end = u64::from(self.best.minutes) * 60_000;
        let mut plan = self.best.clone();
        plan.faults.retain(|f| f.at < end);
        self.keep(plan);
    }

    /// Leaves out halves, then quarters, down to single faults.
    fn faults(&mut self) {
        let mut size = self.best.faults.len().div_ceil(2);
        while size > 0 {
            let mut from = 0;
            while from < self.best.faults.len() {
                let mut plan = self.best.clone();
                let to = (from + size).min(plan.faults.len());
                plan.faults.drain(from..to);
                if !self.keep(plan) {
                    from += size;
                }
            }
            size /= 2;
        }
    }

    fn instruments(&mut self) {
        for instruments in [1, 2, 3, 5, 10] {
            if instruments >= self.best.instruments {
                break;
            }
            let mut plan = self.best.clone();
            plan.instruments = instruments;
            if self.keep(plan) {
                break;
            }
        }
    }

    fn prices_and_venue(&mut self) {
        let mut plan = self.best.clone();
        plan.flat = true;
        self.keep(plan);
        let simpler: [fn(&mut Plan); 6] = [
            |p| p.venue.split_percent = 0,
            |p| p.venue.foreign_fees = false,
            |p| p.venue.clock_offset = 0,
            |p| p.venue.lag = 0,
            |p| p.tuning.adopted = false,
            |p| p.tuning.crowded = false,
        ];
        for simplify in simpler {
            let mut plan = self.best.clone();
            simplify(&mut plan);
            self.keep(plan);
        }
    }
}
