//! Their names begin with `postgres`, so that one command runs these and the program's.

mod connections;
mod contract;
mod damage;
mod figures;
mod proxy;
mod refusals;
mod restarts;
mod room;
mod shared_cache;
