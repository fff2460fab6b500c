//! Where secrets come from, how long they are kept, and what cannot be seen of them.

#[cfg(unix)]
mod folder;
mod kept;
mod redactor;
