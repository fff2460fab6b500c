//! Where secrets come from, how long they are kept, and what cannot be seen of them.

mod folder;
mod kept;
mod redactor;
