//! Analytic landscapes, property-test strategies and reference data for testing landscape codes.
