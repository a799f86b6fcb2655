//! The program `metabasin`.

fn main() {}
