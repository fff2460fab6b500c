//! An answer as bytes: versioned, and read back to the last bit or refused.

use ballast_domain::market::{
    ActionKind, Bar, Bars, CorporateAction, Field, Fields, PriceBasis, Series, SplitRatio,
};
use ballast_domain::time::Timestamp;
use ballast_ports::{Chunk, Error, ErrorKind, Result};
use rust_decimal::Decimal;

use crate::provenance::Role;

/// First bytes of every stored answer, and its version.
const MAGIC: [u8; 4] = *b"BHA\x01";

const FIELDS: [Field; 5] = [
    Field::Open,
    Field::High,
    Field::Low,
    Field::Close,
    Field::Volume,
];

/// What a cache keeps of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoredAnswer {
    /// Who answered.
    pub(crate) source: String,
    /// Its place in the cascade then.
    pub(crate) role: Role,
    /// The answer; an absence is one.
    pub(crate) content: Content,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    Chunks(Vec<Chunk>),
    /// The source does not have it, in its own words.
    Absent(String),
}

impl StoredAnswer {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Writer(MAGIC.to_vec());
        out.text(&self.source);
        out.0.push(u8::from(self.role == Role::Fallback));
        match &self.content {
            Content::Absent(message) => {
                out.0.push(0);
                out.text(message);
            }
            Content::Chunks(chunks) => {
                out.0.push(1);
                out.count(chunks.len());
                chunks.iter().for_each(|chunk| out.chunk(chunk));
            }
        }
        out.0
    }

    /// # Errors
    /// `InvalidData` for bytes of another version, damaged ones, and ones that are left over.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        let body = bytes
            .strip_prefix(&MAGIC)
            .ok_or_else(|| refused("it is of another version"))?;
        let mut rest = Reader(body);
        let source = rest.text()?;
        let role = match rest.byte()? {
            0 => Role::Primary,
            1 => Role::Fallback,
            _ => return Err(refused("its source has no such place")),
        };
        let content = match rest.byte()? {
            0 => Content::Absent(rest.text()?),
            1 => {
                let count = rest.count(1)?;
                let chunks = (0..count).map(|_| rest.chunk());
                Content::Chunks(chunks.collect::<Result<_>>()?)
            }
            _ => return Err(refused("it is neither an answer nor an absence")),
        };
        if !rest.0.is_empty() {
            return Err(refused("bytes are left over"));
        }
        Ok(Self {
            source,
            role,
            content,
        })
    }
}

fn refused(why: &str) -> Error {
    Error::new(
        ErrorKind::InvalidData,
        "get",
        format!("a stored answer cannot be read: {why}"),
    )
    .hint("fetch it again; it is replaced then")
}

struct Writer(Vec<u8>);

impl Writer {
    fn count(&mut self, n: usize) {
        self.0.extend((n as u64).to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.extend(text.as_bytes());
    }

    fn times(&mut self, times: &[Timestamp]) {
        for time in times {
            self.0.extend(time.nanos().to_le_bytes());
        }
    }

    fn chunk(&mut self, chunk: &Chunk) {
        let (bars, actions) = (&chunk.series.bars, &chunk.series.actions);
        self.text(&chunk.symbol);
        self.0.push(match chunk.series.basis {
            PriceBasis::Raw => 0,
            PriceBasis::BackAdjusted => 1,
        });
        let bits = FIELDS.iter().enumerate();
        let bits = bits.map(|(n, field)| u8::from(bars.fields().has(*field)) << n);
        self.0.push(bits.sum());
        self.count(bars.len());
        self.times(bars.open_times());
        self.times(bars.close_times());
        for field in FIELDS {
            for value in bars.column(field) {
                self.0.extend(value.to_bits().to_le_bytes());
            }
        }
        self.count(actions.len());
        for action in actions {
            self.times(&[action.at]);
            match action.kind {
                ActionKind::Split(ratio) => {
                    self.0.push(0);
                    self.0.extend(ratio.new.to_le_bytes());
                    self.0.extend(ratio.old.to_le_bytes());
                }
                ActionKind::Dividend(amount) => {
                    self.0.push(1);
                    self.0.extend(amount.serialize());
                }
                ActionKind::Delisting => self.0.push(2),
            }
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let short = || refused("it ends too early");
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or_else(short)?;
        self.0 = rest;
        Ok(*head)
    }

    fn byte(&mut self) -> Result<u8> {
        let [byte] = self.take()?;
        Ok(byte)
    }

    /// A number of things of at least `size` bytes each: never more than there can be.
    fn count(&mut self, size: usize) -> Result<usize> {
        let count = usize::try_from(u64::from_le_bytes(self.take()?)).unwrap_or(usize::MAX);
        if count > self.0.len() / size {
            return Err(refused("it ends too early"));
        }
        Ok(count)
    }

    fn text(&mut self) -> Result<String> {
        let length = self.count(1)?;
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        let text = std::str::from_utf8(text).map_err(|_| refused("a text is no UTF-8"))?;
        Ok(text.to_owned())
    }

    fn time(&mut self) -> Result<Timestamp> {
        Ok(Timestamp::from_nanos(i64::from_le_bytes(self.take()?)))
    }

    fn value(&mut self) -> Result<f64> {
        Ok(f64::from_bits(u64::from_le_bytes(self.take()?)))
    }

    fn chunk(&mut self) -> Result<Chunk> {
        let symbol = self.text()?;
        let basis = match self.byte()? {
            0 => PriceBasis::Raw,
            1 => PriceBasis::BackAdjusted,
            _ => return Err(refused("there is no such price basis")),
        };
        let bits = self.byte()?;
        let has = |n: usize| bits & (1 << n) != 0;
        if bits >= 1 << FIELDS.len() || !has(3) {
            return Err(refused("there are no such columns"));
        }
        let kept: Vec<_> = (0..FIELDS.len()).filter(|n| has(*n)).collect();
        let fields = Fields::of(&kept.iter().map(|n| FIELDS[*n]).collect::<Vec<_>>());
        let count = self.count(16 + 8 * kept.len())?;
        let opens: Vec<_> = (0..count).map(|_| self.time()).collect::<Result<_>>()?;
        let closes: Vec<_> = (0..count).map(|_| self.time()).collect::<Result<_>>()?;
        let mut columns: [Vec<f64>; 5] = Default::default();
        for n in kept {
            columns[n] = (0..count).map(|_| self.value()).collect::<Result<_>>()?;
        }
        let mut bars = Bars::new(fields);
        for row in 0..count {
            let value = |n: usize| columns[n].get(row).copied().unwrap_or(columns[3][row]);
            let bar = Bar {
                open_time: opens[row],
                close_time: closes[row],
                open: value(0),
                high: value(1),
                low: value(2),
                close: value(3),
                volume: columns[4].get(row).copied().unwrap_or(0.0),
            };
            bars.push(&bar)
                .map_err(|e| Error::from_domain("get", e).context("symbol", &symbol))?;
        }
        let count = self.count(9)?;
        let actions = (0..count).map(|_| self.action()).collect::<Result<_>>()?;
        Ok(Chunk {
            symbol,
            series: Series {
                basis,
                bars,
                actions,
            },
        })
    }

    fn action(&mut self) -> Result<CorporateAction> {
        let at = self.time()?;
        let kind = match self.byte()? {
            0 => ActionKind::Split(SplitRatio {
                new: u32::from_le_bytes(self.take()?),
                old: u32::from_le_bytes(self.take()?),
            }),
            1 => ActionKind::Dividend(Decimal::deserialize(self.take()?)),
            2 => ActionKind::Delisting,
            _ => return Err(refused("there is no such corporate action")),
        };
        Ok(CorporateAction { at, kind })
    }
}

#[cfg(test)]
mod tests {
    use ballast_testkit::builders::market;

    use super::*;

    fn answers() -> Vec<StoredAnswer> {
        let chunks = market()
            .into_iter()
            .map(|(symbol, series)| Chunk { symbol, series });
        let chunks = Content::Chunks(chunks.collect());
        let absent = Content::Absent("symbol 'X' is not known".to_owned());
        [(Role::Primary, chunks), (Role::Fallback, absent)]
            .into_iter()
            .map(|(role, content)| StoredAnswer {
                source: "alpha".to_owned(),
                role,
                content,
            })
            .collect()
    }

    /// CAC-06: what is written is read back, by its version, without a type that runs code.
    #[test]
    fn cac_06_an_answer_comes_back_to_the_last_bit() {
        for answer in answers() {
            let bytes = answer.encode();
            assert_eq!(StoredAnswer::decode(&bytes).unwrap(), answer);
            let mut later = bytes.clone();
            later[3] += 1;
            let e = StoredAnswer::decode(&later).unwrap_err();
            assert!(e.to_string().contains("another version"), "{e}");
            let mut longer = bytes.clone();
            longer.push(0);
            let e = StoredAnswer::decode(&longer).unwrap_err();
            assert!(e.to_string().contains("left over"), "{e}");
        }
    }

    /// Any cut and any flipped byte is an answer or an error, soon and without a panic. That the
    /// answer is the right one is for the checksum of the cache to say.
    #[test]
    fn damaged_bytes_are_answers_or_errors() {
        for answer in answers() {
            let bytes = answer.encode();
            for end in 0..bytes.len() {
                StoredAnswer::decode(&bytes[..end]).unwrap_err();
            }
            for n in 0..bytes.len() {
                let mut flipped = bytes.clone();
                flipped[n] ^= 0xff;
                let _ = StoredAnswer::decode(&flipped);
            }
        }
    }
}
