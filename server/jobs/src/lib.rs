//! A job from the click to its result: the engine, the store and the events.
