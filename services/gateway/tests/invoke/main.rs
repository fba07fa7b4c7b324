//! The gateway's boundary, against a small fake of the dispatch API on loopback.

mod answers;
mod identity;
mod shapes;
mod world;
