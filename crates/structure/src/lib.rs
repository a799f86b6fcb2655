//! Radical Voronoi tessellation and the icosahedral network of a glass.
