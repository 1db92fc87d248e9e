//! A TCP connection to the broker that can be cut while both ends go on.

use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinHandle};

use crate::support::broker::Broker;

pub struct Cable {
    pub port: u16,
    open: Arc<Mutex<Vec<AbortHandle>>>,
    listening: JoinHandle<()>,
}

impl Cable {
    pub async fn to(broker: &Broker) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let to = broker.port;
        let open = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&open);
        let listening = tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let task = tokio::spawn(async move {
                    if let Ok(mut far) = TcpStream::connect(("127.0.0.1", to)).await {
                        let _ = copy_bidirectional(&mut near, &mut far).await;
                    }
                });
                list.lock().unwrap().push(task.abort_handle());
            }
        });
        Self {
            port,
            open,
            listening,
        }
    }

    /// Cuts all that is connected now.
    pub fn cut(&self) {
        self.open.lock().unwrap().drain(..).for_each(|t| t.abort());
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.cut();
        self.listening.abort();
    }
}
