//! Saddle searches from inherent structures and the events they find.
