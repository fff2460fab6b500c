//! A diagnosis as people and programs read it.

use std::fmt::Write;

use ballast_domain::error::Result;

use super::present::Answer;
use crate::commands::doctor::Diagnosis;
use crate::health::CheckResult;

pub(super) fn diagnosis(found: &Diagnosis) -> Result<Answer> {
    let mut text = match found.profile {
        Some(profile) => format!("{}, {profile}\n\n", found.config),
        None => format!("{}\n\n", found.config),
    };
    let report = &found.report;
    let names = report.checks.iter().map(|check| check.name.chars().count());
    let wide = names.max().unwrap_or(0);
    for check in &report.checks {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "  {:<8}  {:<wide$}  {}",
            word(check),
            check.name,
            check.message
        );
        if let Some(remedy) = &check.remedy {
            let _ = writeln!(text, "  {:<8}  {:<wide$}  hint: {remedy}", "", "");
        }
    }
    let _ = writeln!(text, "\n{}", verdict(found));
    Answer::new(text, found)
}

fn word(check: &CheckResult) -> &'static str {
    match (check.standing, check.severity) {
        ("healthy", _) => "ok",
        ("not_judged", _) => "-",
        (_, severity) => severity,
    }
}

fn verdict(found: &Diagnosis) -> String {
    let report = &found.report;
    let checks = |n: usize| match n {
        1 => "1 check".to_owned(),
        n => format!("{n} checks"),
    };
    let judged = checks(report.total - report.not_judged);
    match (report.failed, report.critical_failures) {
        (0, _) => format!("healthy: {judged} passed"),
        (failed, 0) => format!("usable: {failed} of {judged} failed, none critical"),
        (failed, critical) => {
            format!("not healthy: {failed} of {judged} failed, {critical} critical")
        }
    }
}
