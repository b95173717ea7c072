//! From a slice to the ZIP that runs on the other side, and the runner inside it.
