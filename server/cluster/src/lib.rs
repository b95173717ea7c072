//! Transports, schedulers and the follower; it knows nothing of Python source.
