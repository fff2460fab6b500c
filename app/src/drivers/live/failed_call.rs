//! What the log says of a call that failed: as the decorators' lines do.

use ballast_ports::Error;

use super::session::Session;

impl Session<'_> {
    /// Notes a failed call, and logs it with who was called, for what, the kind of its error and its
    /// number among the failed calls of this session.
    pub(super) fn failed(&mut self, component: &'static str, error: &Error) {
        self.log_failed(component, error);
        self.note(error.to_string());
    }

    /// The line of the log alone.
    pub(super) fn log_failed(&mut self, component: &'static str, error: &Error) {
        self.failed_calls += 1;
        let (kind, call) = (error.kind.name(), self.failed_calls);
        let operation = error.operation;
        let said = error.chain();
        tracing::warn!(target: "ballast::live", component, operation, kind, call, "{said}");
    }
}
