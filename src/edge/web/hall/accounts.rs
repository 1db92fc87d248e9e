//! Accounts: passwords, logging in and out, who is logged in.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use super::fault::Fault;
use super::sign;
use crate::config::Secret;
use crate::edge::web::inside::{Account, Records};
use crate::error::{Error, Kind, Result};
use crate::room::live::event::Role;

/// Passwords that are hashed at once: each takes 19 MiB and a core.
const AT_ONCE: usize = 2;
/// Passwords that may wait for that.
const WAITING: usize = 32;
/// Shortest password, characters.
const SHORTEST: usize = 8;
/// Longest password, bytes.
const LONGEST: usize = 128;
/// Longest name, characters.
const NAME: usize = 24;
/// The owner that the box makes.
pub const OWNER: &str = "owner";

/// A hash of the same cost that no password has: a name that is not there takes as long as a wrong password.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGhhcyB0aGlz$YWxsIHplcm9zIHdvdWxkIGRvIGFzIHdlbGwgaGVyZSE";

/// Hashes and checks passwords, few at a time.
#[derive(Debug)]
pub struct Passwords {
    at_once: Arc<Semaphore>,
    waiting: AtomicUsize,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: AtomicUsize::new(0),
        }
    }
}

impl Passwords {
    /// A hash for the records.
    ///
    /// # Errors
    /// Too many ask at once.
    pub async fn hash(&self, password: String) -> Result<String, Fault> {
        let hashed = self.work(move || hash(&password)).await?;
        Ok(hashed?)
    }

    /// Whether `password` is the one of `hash`; without a hash it is not, after the same time.
    ///
    /// # Errors
    /// Too many ask at once.
    pub async fn check(&self, password: String, hash: Option<String>) -> Result<bool, Fault> {
        self.work(move || {
            let known = hash.is_some();
            let hash = hash.unwrap_or_else(|| NOBODY.to_owned());
            let fits = password.len() <= LONGEST && is(&password, &hash);
            fits && known
        })
        .await
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let busy = || Fault::busy("Too many passwords are being checked.").after_ms(2000);
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= WAITING {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(busy());
        }
        let waited = Waited(&self.waiting);
        let permit = self
            .at_once
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| busy())?;
        drop(waited);
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        done.await.map_err(|_| busy())
    }
}

/// Counts down also where the asker went away.
struct Waited<'a>(&'a AtomicUsize);

impl Drop for Waited<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Argon2id with the parameters that OWASP gives for it.
fn argon2() -> Result<Argon2<'static>> {
    let params = Params::new(19 * 1024, 2, 1, None).map_err(|e| no_hash(&e.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn no_hash(why: &str) -> Error {
    Error::new(
        Kind::Internal,
        format!("The password could not be hashed: {why}."),
    )
}

fn hash(password: &str) -> Result<String> {
    let salt = sign::random::<16>()?;
    let hashed = argon2()?.hash_password_with_salt(password.as_bytes(), &salt);
    hashed
        .map(|h| h.to_string())
        .map_err(|e| no_hash(&e.to_string()))
}

fn is(password: &str, hash: &str) -> bool {
    let check = |argon2: Argon2<'_>| argon2.verify_password(password.as_bytes(), hash).is_ok();
    argon2().is_ok_and(check)
}

/// The name of an account as it is kept.
///
/// # Errors
/// It cannot be a name.
pub fn name(given: &str) -> Result<String, Fault> {
    let name = given.trim().to_lowercase();
    let fine = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let length = name.chars().count();
    if !(2..=NAME).contains(&length) || !name.chars().all(fine) {
        return Err(Fault::bad(format!(
            "A name has 2 to {NAME} letters, digits, hyphens, dots or underscores."
        )));
    }
    Ok(name)
}

/// Whether it may be a password.
///
/// # Errors
/// It is too short or too long.
pub fn good_password(given: &str) -> Result<(), Fault> {
    if given.chars().count() < SHORTEST || given.len() > LONGEST {
        return Err(Fault::bad(format!(
            "A password has at least {SHORTEST} characters, and at most {LONGEST} bytes."
        )));
    }
    Ok(())
}

/// Makes the owner's account, if there is no owner. The password is given to `keep` before, and back once, for the label or the
/// console; nobody can get it out of the records.
///
/// # Errors
/// The records cannot be read or written, or what `keep` said.
pub async fn ensure_owner(
    records: &dyn Records,
    now_ms: i64,
    keep: impl FnOnce(&Secret) -> Result<()>,
) -> Result<Option<Secret>> {
    let accounts = records.accounts().await?;
    if accounts.iter().any(|a| a.role == Role::Owner) {
        return Ok(None);
    }
    let password = sign::password()?;
    let of = password.clone();
    let hashed = tokio::task::spawn_blocking(move || hash(&of)).await;
    let hash = hashed.map_err(|_| no_hash("it was broken off"))??;
    let taken = |n: &str| accounts.iter().any(|a| a.name == n);
    // Somebody may have taken the name as a viewer.
    let name = (1..)
        .map(|n| {
            if n == 1 {
                OWNER.to_owned()
            } else {
                format!("{OWNER}{n}")
            }
        })
        .find(|n| !taken(n))
        .unwrap_or_else(|| OWNER.to_owned());
    // Before the account: a box that loses power between the two makes another password, and nobody is locked out.
    let password = Secret::new(password);
    keep(&password)?;
    let account = Account {
        name,
        role: Role::Owner,
        hash,
        first: true,
        viewer: 0,
        made_ms: now_ms,
    };
    if !records.account_add(account).await? {
        return Err(Error::new(
            Kind::Internal,
            "The owner's account could not be made.",
        ));
    }
    Ok(Some(password))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_hashed_and_checked_and_nobody_takes_as_long() {
        let passwords = Passwords::default();
        let hash = passwords.hash("correct horse".into()).await.unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        assert!(
            passwords
                .check("correct horse".into(), Some(hash.clone()))
                .await
                .unwrap()
        );
        let begun = std::time::Instant::now();
        assert!(
            !passwords
                .check("wrong horse".into(), Some(hash))
                .await
                .unwrap()
        );
        let wrong = begun.elapsed();
        let begun = std::time::Instant::now();
        assert!(!passwords.check("correct horse".into(), None).await.unwrap());
        // The hash of nobody is a real one, so the work is done.
        assert!(begun.elapsed() * 4 > wrong, "nobody is told by the time");
    }

    #[test]
    fn names_and_passwords_have_bounds() {
        assert_eq!(name(" Mei.Lin ").unwrap(), "mei.lin");
        assert_eq!(name("李小龙").unwrap(), "李小龙");
        for bad in [
            "",
            "a",
            "a b",
            "<b>",
            "a\nb",
            "a/b",
            &"x".repeat(25),
            "a'--",
        ] {
            assert!(name(bad).is_err(), "{bad}");
        }
        assert!(good_password("12345678").is_ok() && good_password("1234567").is_err());
        assert!(good_password(&"x".repeat(129)).is_err());
    }
}
