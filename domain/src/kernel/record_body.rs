//! The canonical shape of a record in a journal: its kind, and a body that begins with its version.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::record::Record;
use crate::orders::{Cause, ClientOrderId};

/// Version of most bodies this program writes.
///
/// A change of a record's fields raises the number of its kind and leaves a reader for the old one
/// behind, in the adapter that stores bodies.
const VERSION: u32 = 1;
/// A strategy's memory is one text since version 2; it was a list of numbers.
const STATE_VERSION: u32 = 2;

macro_rules! kinds {
    ($($variant:ident $kind:literal),+ $(,)?) => {
        impl Record {
            /// The names of all kinds, in the order of the enum.
            pub const KINDS: &'static [&'static str] = &[$($kind),+];

            /// Stable snake_case name of the record's shape.
            pub const fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $kind),+
                }
            }

            /// Reads the body of a record of this kind at its present version; `v` is not looked
            /// at.
            ///
            /// # Errors
            /// The deserialiser's own when the body is not one of that kind, or the kind is not
            /// known.
            pub fn from_body<'de, D: Deserializer<'de>>(
                kind: &str,
                body: D,
            ) -> Result<Self, D::Error> {
                match kind {
                    $($kind => Deserialize::deserialize(body).map(Self::$variant),)+
                    _ => Err(D::Error::custom(format!("there is no kind of record '{kind}'"))),
                }
            }
        }

        impl Serialize for RecordBody<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let v = self.0.version();
                match self.0 {
                    $(Record::$variant(fields) => Versioned { v, fields }.serialize(serializer)),+
                }
            }
        }
    };
}

kinds! {
    Decision "decision",
    Leg "leg",
    Intent "intent",
    Order "order",
    Fill "fill",
    Entry "entry",
    Split "split",
    Residual "residual",
    Mode "mode",
    State "state",
    Hold "hold",
    Session "session",
    Adjustment "adjustment",
    Void "void",
    Orphan "orphan",
    Dispute "dispute",
    Agreement "agreement",
}

/// The body of a record as a journal writes it: `v`, then the fields in declaration order. Amounts
/// are whole units, decimals strings, instants RFC 3339 with nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct RecordBody<'a>(&'a Record);

#[derive(Serialize)]
struct Versioned<'a, T> {
    v: u32,
    #[serde(flatten)]
    fields: &'a T,
}

/// What may be recorded once in the life of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Once {
    /// An intent's client order id.
    Order(ClientOrderId),
    /// A venue's trade: instrument and trade id.
    Trade(u32, u128),
    /// A slot of the schedule: used up by a decision or a hold.
    Slot(i64),
}

impl std::fmt::Display for Once {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Order(id) => write!(f, "order {id}"),
            Self::Trade(instrument, id) => write!(f, "trade {instrument} {id}"),
            Self::Slot(nanos) => write!(f, "slot {nanos}"),
        }
    }
}

impl Record {
    /// Version of the body of this record's kind.
    pub const fn version(&self) -> u32 {
        match self {
            Self::State(_) => STATE_VERSION,
            _ => VERSION,
        }
    }

    /// The canonical body, to be serialised once and never again.
    pub const fn body(&self) -> RecordBody<'_> {
        RecordBody(self)
    }

    /// What no other record of the account may say again, if this one says such a thing.
    pub fn once(&self) -> Option<Once> {
        match self {
            Self::Intent(r) => Some(Once::Order(r.intent.client_id)),
            Self::Fill(r) => Some(Once::Trade(r.fill.instrument.0, r.fill.trade_id.0)),
            Self::Decision(r) => match r.cause {
                Cause::Slot(slot) => Some(Once::Slot(slot.nanos())),
                Cause::RiskAction(_) | Cause::Operator(_) => None,
            },
            Self::Hold(r) => Some(Once::Slot(r.slot.nanos())),
            _ => None,
        }
    }
}
