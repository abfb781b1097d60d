//! The command as its users meet it: started as a program, judged by what it prints and how it ends.

#[cfg(test)]
mod api;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod files;
#[cfg(test)]
mod har;
#[cfg(test)]
mod hints;
#[cfg(test)]
mod json;
#[cfg(test)]
mod live;
#[cfg(test)]
mod output;
#[cfg(test)]
mod packets;
#[cfg(test)]
mod readme;
#[cfg(test)]
mod redact;
#[cfg(test)]
mod run;
#[cfg(test)]
mod select;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod split;
#[cfg(test)]
mod threads;
