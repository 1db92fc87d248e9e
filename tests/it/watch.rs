//! What browsers get, from real encoders: fMP4 as ffprobe and ffmpeg read it, WebRTC as a decoder takes it, Opus.

mod fmp4;
mod opus;
