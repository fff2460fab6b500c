//! Bugs planted on purpose: in the kernel behind the feature `planted`, and in the disk.

#[cfg(feature = "planted")]
use ballast_domain::kernel::Bug;

/// A bug that the oracles must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// One of the kernel's.
    #[cfg(feature = "planted")]
    Kernel(Bug),
    /// A write to a full disk is taken for durable.
    FullDiskIgnored,
    /// The feed of a day in lockstep waits for nobody. No oracle can name it: only the comparison
    /// of drivers finds it.
    FeedHurries,
    /// The whole records of a batch that was torn are taken back at a start.
    TornTailAccepted,
}

impl Planted {
    /// Every bug of this build that an oracle must find: the disk's, and with the feature `planted` the kernel's.
    pub fn all() -> Vec<Self> {
        #[cfg(feature = "planted")]
        let kernel = Bug::ALL.into_iter().map(Self::Kernel);
        #[cfg(not(feature = "planted"))]
        let kernel = std::iter::empty();
        kernel
            .chain([Self::FullDiskIgnored, Self::TornTailAccepted])
            .collect()
    }

    /// Its name.
    pub fn name(self) -> String {
        match self {
            #[cfg(feature = "planted")]
            Self::Kernel(bug) => format!("{bug:?}"),
            disk => format!("{disk:?}"),
        }
    }
}
