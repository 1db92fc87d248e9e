//! Integration tests on real parts: real GStreamer, ffmpeg, nginx-rtmp. One binary, so that it links once; nextest
//! gives each test its own process. All traffic stays on loopback.

mod box_live;
mod capture;
mod cli_check;
mod cli_doctor;
mod encode;
mod rtmp;
mod rtsp;
mod support;
