//! `trade`, and what `resume` shares with it: an account is opened, recovered, driven, closed.

use std::collections::BTreeMap;
use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ballast_domain::error::Error;
use ballast_domain::kernel::SendGate;
use ballast_domain::simulation::{Exchange, check_data};
use ballast_ports::{Clock, Journal, MarketData};
use ballast_system::{SystemClock, write_atomic};
use serde::Serialize;

use super::settings::{self, SettingsRequest};
use super::trader::{Trader, TraderWords};
use super::vigil::Vigil;
use crate::account_folder::{AccountFolder, TraderPhase};
use crate::audit_log::{self, Completed};
use crate::config::{Config, Resolved, TradeStage};
use crate::drivers::backtest::{Backtest, Variant};
use crate::drivers::live::{Boundaries, Ended, Goal, Live, Order, Speed, TapeLimits, TapePlace};
use crate::drivers::{Progress, RunError};
use crate::engine::Program;
use crate::exit::{Exit, Failure};
use crate::wiring::arming::{self, Capability, Switches};
use crate::wiring::journal::AccountJournal;
use crate::wiring::{AuditedJournal, HinderedJournal, TracedInputs, paper, shrunk};

/// This program and its version.
const PROGRAM: &str = concat!("ballast ", env!("CARGO_PKG_VERSION"));
/// Space kept back for the day the disk is full. The records of a paper account are few.
const PAPER_RESERVE: u64 = 4 << 20;

/// What to trade.
#[derive(Clone, Debug, PartialEq)]
pub struct TradeRequest {
    /// The settings.
    pub settings: SettingsRequest,
    /// The root of everything Ballast keeps.
    pub home: PathBuf,
    /// Trade the next slot and end.
    pub once: bool,
    /// How fast the replay is released.
    pub speed: Speed,
    /// Why the venue's account is taken over, where the journal knows nothing of it.
    pub adopt: Option<String>,
    /// The switch of real orders on the command line.
    pub live: bool,
    /// How long each write of the journal waits, as on a slow disk: for drills. Usually zero.
    pub journal_delay: Duration,
}

/// A session that ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Traded {
    /// The account.
    pub account: String,
    /// Its folder.
    pub folder: String,
    /// Whether orders were real.
    pub stage: TradeStage,
    /// Its base currency.
    pub currency: String,
    /// The last decision found at the start.
    pub last_decision: Option<WarmStart>,
    /// Positions at the end.
    pub positions: Vec<(String, String)>,
    /// What it did, and what is left.
    #[serde(flatten)]
    pub ended: Ended,
    /// How the program ends.
    pub exit_code: u8,
    /// What says more.
    pub next_command: String,
}

impl Traded {
    /// How the program ends.
    pub const fn exit(&self) -> Exit {
        self.ended.exit()
    }
}

/// What a start found decided, and how old it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct WarmStart {
    /// Its number.
    pub number: u32,
    /// Its slot.
    pub slot: ballast_domain::time::Timestamp,
    /// Its age in trading time, in seconds.
    pub age_seconds: i64,
}

/// Trades.
///
/// # Errors
/// As [`settings::resolve`]; `Usage` when real orders are wanted and not armed; `DataRefused` for the
/// data; `StateRefused` when journal or venue log cannot be trusted or another process has the
/// account.
pub fn trade(
    program: &Program<'_>,
    request: &TradeRequest,
    progress: &mut dyn Progress,
) -> Result<Traded, Failure> {
    let settings = settings::resolve(&request.settings, program.engine)?;
    let goal = if request.once {
        Goal::Once
    } else {
        Goal::Trade
    };
    let order = match &request.adopt {
        Some(reason) => Order::AdoptAccount {
            reason: reason.clone(),
        },
        None => Order::Nothing,
    };
    let mut account = Account::new(&settings, &request.home, request.live)?;
    account.journal_delay = request.journal_delay;
    account.drive(program, (goal, order, request.speed), progress)
}

/// An account that is about to be driven.
#[derive(Debug)]
pub(super) struct Account<'a> {
    settings: &'a Resolved,
    folder: AccountFolder,
    capability: Capability,
    journal_delay: Duration,
}

impl<'a> Account<'a> {
    pub(super) fn new(
        settings: &'a Resolved,
        home: &std::path::Path,
        live: bool,
    ) -> Result<Self, Failure> {
        let config = &settings.config;
        let folder = AccountFolder::new(home, config.account_name())?;
        let stage = config.trade.stage.unwrap_or_default();
        let fingerprint = config.trade.fingerprint.as_deref();
        let switches = Switches {
            feature: arming::BUILT_FOR_LIVE,
            config: stage == TradeStage::Live,
            // No venue of this program names a real account.
            fingerprint: false,
            arming_file: arming::is_armed(folder.path(), fingerprint),
            flag: live,
        };
        Ok(Self {
            settings,
            capability: arming::capability(stage, switches)?,
            folder,
            journal_delay: Duration::ZERO,
        })
    }

    fn config(&self) -> &Config {
        &self.settings.config
    }

    /// Starts, does what it is for, and ends. A panic on the way latches the kill switch.
    pub(super) fn drive(
        &self,
        program: &Program<'_>,
        what: (Goal, Order, Speed),
        progress: &mut dyn Progress,
    ) -> Result<Traded, Failure> {
        fs::create_dir_all(self.folder.path()).map_err(|e| {
            Failure::state(
                Error::config("the account's folder cannot be made")
                    .context("path", self.folder.path().display())
                    .context("cause", e)
                    .hint("allow this user to write there, or name another --home"),
            )
        })?;
        self.folder.count_start(|starts| starts.begun += 1);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Error::invariant(format!("no runtime: {e}")))?;
        let run = || runtime.block_on(self.session(program, what, progress));
        match panic::catch_unwind(AssertUnwindSafe(run)) {
            Ok(ended) => ended,
            Err(payload) => {
                self.latch(program, payload.as_ref());
                panic::resume_unwind(payload)
            }
        }
    }

    /// The program contradicted itself while it could send: the next start is halted, and somebody
    /// has to look.
    fn latch(&self, program: &Program<'_>, payload: &(dyn std::any::Any + Send)) {
        let owned = payload.downcast_ref::<String>().map(String::as_str);
        let message = owned
            .or_else(|| payload.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        // What fails here must not hide the panic; the switch is tried first.
        let thrown = self
            .folder
            .kill_switch()
            .throw(&format!("the trader panicked: {message}"));
        if let Err(e) = thrown {
            tracing::error!(error = %e, "the kill switch could not be latched");
        }
        let text = format!(
            "{}\naccount {}\npanic: {message}\nthe kill switch is thrown; look at `ballast status {0}`\n",
            self.folder.name(),
            self.folder.path().display(),
        );
        self.folder.note_incident(program.machine.now(), &text);
    }

    async fn session(
        &self,
        program: &Program<'_>,
        (goal, order, speed): (Goal, Order, Speed),
        progress: &mut dyn Progress,
    ) -> Result<Traded, Failure> {
        let config = self.config();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let inputs = TracedInputs::open(self.settings, self.folder.home(), Arc::clone(&clock));
        let inputs = inputs.await.map_err(port)?;
        let trades = goal != Goal::Start;
        let vigil = Vigil::begin(config, &inputs, &self.folder, &clock, trades).await?;
        let data = Arc::new(inputs.clone());
        let (live, variant) = loaded(program, config, data, (goal, order, speed)).await?;
        let reserve = (self.capability == Capability::Paper).then_some(PAPER_RESERVE);
        let journal = AccountJournal::open(self.settings, &self.folder, PROGRAM, reserve)
            .await
            .map_err(port)?;
        let traded = self
            .trade(
                program,
                &live,
                &variant,
                &journal,
                (&inputs, &vigil),
                progress,
            )
            .await;
        // What was acknowledged is durable; a failure here changes nothing of it.
        let closed = journal.close().await;
        drop(vigil);
        inputs.close();
        let traded = traded?;
        closed.map_err(port)?;
        Ok(traded)
    }

    async fn trade(
        &self,
        program: &Program<'_>,
        live: &Live,
        variant: &Variant,
        journal: &AccountJournal,
        (inputs, vigil): (&TracedInputs, &Vigil),
        progress: &mut dyn Progress,
    ) -> Result<Traded, Failure> {
        let gate = Arc::new(match self.capability {
            Capability::Paper | Capability::Live(_) => SendGate::new(journal.epoch()),
            Capability::Shadow => SendGate::dry_run(journal.epoch()),
        });
        let config = self.config();
        let choice = &config.strategy;
        let strategy = program
            .engine
            .strategies()
            .make(choice, &live.instruments)?;
        let degraded = inputs.degraded(&live.instruments);
        let strategy = shrunk(strategy, config, &live.instruments, &degraded)?;
        let kernel = live.kernel(strategy, &gate)?;
        let exchange = Exchange::with_rules(
            live.instruments.clone(),
            variant.exchange.clone(),
            variant.rules.clone(),
        );
        check_data(&kernel, &exchange, &live.panel)?;
        let switch = self.folder.kill_switch();
        let watch = switch.watch(Arc::clone(&gate)).map_err(port)?;
        let venue = paper::venue(
            config,
            variant,
            &live.instruments,
            &live.panel,
            &self.folder,
            &gate,
        )
        .await
        .map_err(port)?;
        let before = journal.overview().await.map_err(port)?;
        let audit_log = audit_log::path(self.folder.path());
        let (audited, completed) =
            AuditedJournal::open(journal.port(), &audit_log, journal.acceptances())
                .await
                .map_err(port)?;
        let audited: Arc<dyn Journal> = Arc::new(audited);
        self.keep_config()?;
        let stage = config.trade.stage.unwrap_or_default();
        let mut trader = Trader::new(
            &self.folder,
            program.machine,
            progress,
            TraderWords::new(live, stage),
        );
        trader.say(TraderPhase::Starting, None);
        let reason = || switch.reason();
        let boundaries = Boundaries {
            journal: if self.journal_delay.is_zero() {
                audited
            } else {
                Arc::new(HinderedJournal::slow(audited, self.journal_delay))
            },
            broker: venue.broker,
            reports: venue.reports,
            market: venue.market,
            clock: Arc::clone(&venue.clock),
            gate,
            kill: &watch,
            kill_reason: &reason,
            machine: program.machine,
            pulse: vigil.pulse(),
            tape: Some(TapePlace {
                folder: self.folder.tapes(),
                program: PROGRAM.to_owned(),
                account: self.folder.name().to_owned(),
                epoch: journal.epoch(),
                config: self.whole_config(),
                degraded,
                limits: TapeLimits::default(),
            }),
        };
        let ended = live.run(&boundaries, kernel, &mut trader).await;
        let ended = match ended {
            Ok(mut ended) => {
                ended.alerts.splice(0..0, said_of(completed));
                ended
            }
            Err(e) => {
                trader.failed(&e.to_string());
                return Err(e.into());
            }
        };
        trader.say(TraderPhase::Stopped, Some(&ended));
        let after = journal.overview().await.map_err(port)?;
        let positions = after.positions().filter_map(|(id, quantity)| {
            let instrument = live.instruments.get(id)?;
            let held = quantity.to_decimal(instrument.quantity_scale).ok()?;
            Some((instrument.symbol.clone(), held.normalize().to_string()))
        });
        let started_at = trader.first_time().unwrap_or(ended.time);
        Ok(Traded {
            account: self.folder.name().to_owned(),
            folder: self.folder.path().display().to_string(),
            stage,
            currency: live.instruments.base().code.clone(),
            last_decision: before.decision().map(|d| WarmStart {
                number: d.number,
                slot: d.slot,
                age_seconds: started_at.since(d.slot).nanos() / 1_000_000_000,
            }),
            positions: positions.collect(),
            exit_code: ended.exit().code(),
            next_command: format!("ballast status {}", self.folder.argument()),
            ended,
        })
    }

    /// Keeps the settings beside the journal, so that `resume` starts the same account.
    fn keep_config(&self) -> Result<(), Failure> {
        write_atomic(&self.folder.config(), self.whole_config().as_bytes()).map_err(port)
    }

    /// The settings with whole paths, in TOML.
    fn whole_config(&self) -> String {
        let mut config = self.config().clone();
        absolute_paths(&mut config, &self.settings.base);
        config.to_toml()
    }
}

/// What a person is told of an audit log that lacked lines.
fn said_of(completed: Completed) -> Option<String> {
    let Completed { lines, anew } = completed;
    let said = match lines {
        0 => return None,
        _ if anew => format!(
            "there was no audit log: its {lines} lines were written from the journal; if it was there \
             before, somebody removed it"
        ),
        _ => format!(
            "the audit log lacked its last {lines} lines, which were written from the journal; if the \
             trader did not die, somebody cut it"
        ),
    };
    tracing::warn!("{said}");
    Some(said)
}

/// What is traded, and how, with the data it is traded on.
pub(super) async fn loaded(
    program: &Program<'_>,
    config: &Config,
    market_data: Arc<dyn MarketData>,
    (goal, order, speed): (Goal, Order, Speed),
) -> Result<(Live, Variant), Failure> {
    let backtest = Backtest {
        config: config.clone(),
        market_data,
        data_files: BTreeMap::new(),
        indices: Vec::new(),
        data_findings: Vec::new(),
        strategies: program.engine.strategies().clone(),
    };
    let (instruments, variant, panel) = backtest.load().await?;
    let live = Live {
        settings: paper::live_settings(config, &variant.settings)?,
        instruments,
        panel: Arc::new(panel),
        fill_point: variant.exchange.fill_point,
        opening_cash: variant.exchange.opening_cash,
        catch_up: config.trade.catch_up.unwrap_or_default(),
        speed,
        goal,
        order,
    };
    Ok((live, variant))
}

/// A config that is moved to another folder still names the same files.
fn absolute_paths(config: &mut Config, base: &std::path::Path) {
    let absolute = |text: &str| {
        let path = base.join(text);
        std::path::absolute(&path)
            .unwrap_or(path)
            .display()
            .to_string()
    };
    let data = &mut config.data;
    if let Some(folder) = data.source.strip_prefix("catalog:") {
        data.source = format!("catalog:{}", absolute(folder));
    } else if !data.source.starts_with("sample:") {
        data.source = absolute(&data.source);
    }
    data.actions = data.actions.as_deref().map(absolute);
    let secrets = &mut config.secrets;
    secrets.folder = secrets.folder.as_deref().map(absolute);
}

fn port(error: ballast_ports::Error) -> Failure {
    RunError::Port(error).into()
}
