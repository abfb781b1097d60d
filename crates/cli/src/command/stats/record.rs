//! The statistics as one JSON object and as a table for people.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use egret_http::Hint;

use super::{Counts, Reason};
use crate::output::json::Json;
use crate::output::text::{Count, Size, Span};
use crate::pipeline::End;

/// Everything that was counted.
pub(super) struct Report<'a> {
    pub(super) counts: &'a Counts,
    pub(super) tcp: egret_reassembly::Stats,
    pub(super) http: &'a egret_http::Stats,
    pub(super) end: &'a End,
    pub(super) hints: Vec<Hint>,
    /// How many threads the limits were divided by.
    pub(super) threads: usize,
}

/// Numbers by name, in the order of the names; only what there is.
type Named = BTreeMap<String, u64>;

impl Report<'_> {
    fn protocols(&self) -> Named {
        named(&self.counts.protocols).chain(some([("none", self.counts.no_network)])).collect()
    }

    fn undecodable(&self) -> Named {
        named(&self.counts.undecodable).chain(some([("other", self.counts.undecodable_otherwise)])).collect()
    }

    fn opened(&self) -> Named {
        some([("handshake", self.tcp.opened_handshake), ("midstream", self.tcp.opened_midstream)]).collect()
    }

    fn closed(&self) -> Named {
        let ended = &self.tcp.ended;
        let open = ("end-of-capture", ended.end_of_capture);
        let over = [("finished", ended.finished), ("reset", ended.reset), ("idle", ended.idle)];
        some(over).chain(some([("evicted", ended.evicted), open])).collect()
    }

    fn discarded(&self) -> Named {
        let discarded = &self.tcp.totals.discarded;
        let [conflict, late] = [("conflict", discarded.conflict), ("late", discarded.late)];
        let [refused, urgent] = [("refused", discarded.refused), ("urgent", discarded.urgent)];
        some([conflict, late, refused, urgent, ("ignored", discarded.ignored)]).collect()
    }

    fn incomplete(&self) -> Named {
        named(&self.http.incomplete).collect()
    }

    fn tunnels(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.http.tunnels.iter().map(|(kind, count)| (kind.name(), *count))
    }

    fn not_http(&self) -> Named {
        self.http.not_http.iter().map(|(kind, count)| (kind.name().to_owned(), *count)).collect()
    }

    /// The JSON form.
    pub(super) fn write(&self, json: &mut Json<'_>) {
        let Self { counts, tcp, http, end, hints, threads } = self;
        json.put("packets", counts.packets);
        json.put("bytes", counts.bytes);
        json.put("captured", counts.captured);
        if let Some((first, last)) = counts.span {
            json.text("first", first);
            json.text("last", last);
        }
        json.put("link_types", named(&counts.link_types).collect::<Named>());
        json.put("protocols", self.protocols());
        // Of live captures only: a file does not tell.
        json.inside("dropped", |json| {
            json.maybe("kernel", end.statistics.dropped_by_kernel);
            json.maybe("interface", end.statistics.dropped_by_interface);
        });
        json.put("undecodable", self.undecodable());
        json.inside("fragments", |json| {
            json.put("fragments", tcp.fragments.fragments);
            json.put("datagrams", tcp.fragments.completed);
            json.put("incomplete", tcp.fragments.incomplete);
            json.put("overlapping", tcp.fragments.overlapping);
        });
        json.inside("connections", |json| {
            json.put("total", tcp.opened_handshake + tcp.opened_midstream);
            json.put("opened", self.opened());
            json.put("closed", self.closed());
            json.put("limits_hit", tcp.limits_hit);
            json.put("forgotten", tcp.forgotten);
            // Where no limit was reached, it does not matter, and the output is that of one thread.
            let reached = tcp.limits_hit + tcp.forgotten + http.no_memory > 0;
            json.maybe("threads", (reached && *threads > 1).then_some(*threads));
        });
        json.inside("streams", |json| {
            json.put("seen", tcp.totals.seen);
            json.put("delivered", tcp.totals.delivered);
            json.put("missing", tcp.totals.missing);
            json.put("gaps", tcp.totals.gaps);
            json.put("retransmitted", tcp.totals.retransmitted);
            json.put("discarded", self.discarded());
        });
        json.inside("exchanges", |json| {
            json.put("total", http.complete + http.incomplete.values().sum::<u64>());
            json.put("complete", http.complete);
            json.put("incomplete", self.incomplete());
            json.put("limits_hit", http.no_memory);
        });
        json.put("not_http", self.not_http());
        json.inside("tls", |json| {
            // Peers choose these, so that they are values here, never names of fields.
            json.list("server_names", http.tls.server_names.top().into_iter());
            json.list("protocols", http.tls.protocols.top().into_iter());
            json.put("versions", named(&http.tls.versions).collect::<Named>());
        });
        json.counts("tunnels", self.tunnels());
        json.put("proxied", http.proxied);
        json.objects("hints", hints.iter(), |hint, json| {
            json.put("id", hint.id());
            json.text("text", hint);
        });
    }
}

fn named<K: Display>(counts: &BTreeMap<K, u64>) -> impl Iterator<Item = (String, u64)> {
    counts.iter().map(|(name, count)| (name.to_string(), *count))
}

fn some<const N: usize>(counts: [(&str, u64); N]) -> impl Iterator<Item = (String, u64)> {
    counts.into_iter().filter(|(_, count)| *count > 0).map(|(name, count)| (name.to_owned(), count))
}

impl Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated(layer) => write!(f, "{layer}: truncated"),
            Self::Malformed(layer, what) => write!(f, "{layer}: {what}"),
            Self::Unsupported(layer, number) => write!(f, "{layer}: {number:#06x} is not decoded"),
            Self::TooDeep(layer) => write!(f, "{layer}: too many headers"),
            Self::Other(layer) => write!(f, "{layer}: not decoded"),
        }
    }
}

/// The table: what there is nothing of is left out.
impl Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { counts, tcp, http, end, hints, threads } = self;
        let divided = match threads {
            1 => String::new(),
            _ => format!(", of which each of {threads} threads has its part"),
        };
        write!(f, "packets      {}, {}", counts.packets, Size(counts.bytes))?;
        if counts.captured < counts.bytes {
            write!(f, " ({} captured)", Size(counts.captured))?;
        }
        if let Some((first, last)) = counts.span {
            write!(f, "\ntime         {first} to {last} ({})", Span(last.since(first)))?;
        }
        if let Some(kernel) = end.statistics.dropped_by_kernel {
            let interface = end.statistics.dropped_by_interface.unwrap_or(0);
            write!(f, "\ndropped      {kernel} by the kernel, {interface} by the interface")?;
        }
        row(f, "link types", named(&counts.link_types))?;
        row(f, "protocols", self.protocols())?;
        row(f, "undecodable", self.undecodable())?;
        let fragments = &tcp.fragments;
        if fragments.fragments > 0 {
            write!(
                f,
                "\nfragments    {} of {}",
                fragments.fragments,
                Count(fragments.completed, "datagram")
            )?;
            write!(f, ", {} given up, {} dropped for overlaps", fragments.incomplete, fragments.overlapping)?;
        }
        write!(f, "\nconnections  {}", tcp.opened_handshake + tcp.opened_midstream)?;
        row(f, "  opened", self.opened())?;
        row(f, "  closed", self.closed())?;
        if tcp.limits_hit > 0 {
            let times = Count(tcp.limits_hit, "time");
            write!(
                f,
                "\n  limits     were reached {times}: see --max-memory and --max-connections{divided}"
            )?;
        }
        if tcp.forgotten > 0 {
            let over = Count(tcp.forgotten, "connection");
            write!(f, "\n  forgotten  {over} within 30 s of their end: see --max-connections{divided}")?;
        }
        let (totals, gaps) = (&tcp.totals, Count(tcp.totals.gaps, "gap"));
        write!(
            f,
            "\nstreams      {} delivered, {} missing in {gaps}",
            Size(totals.delivered),
            Size(totals.missing)
        )?;
        write!(f, ", {} sent again", Size(totals.retransmitted))?;
        row(f, "  discarded", self.discarded())?;
        let incomplete: u64 = http.incomplete.values().sum();
        write!(f, "\nexchanges    {}, {} complete", http.complete + incomplete, http.complete)?;
        row(f, "  incomplete", self.incomplete())?;
        if http.no_memory > 0 {
            let times = Count(http.no_memory, "time");
            write!(f, "\n  limits     were reached {times}: see --max-memory{divided}")?;
        }
        row(f, "not HTTP", self.not_http())?;
        row(f, "tunnels", self.tunnels().map(|(kind, count)| (kind.to_owned(), count)))?;
        hints.iter().try_for_each(|hint| write!(f, "\nhint         {hint}"))
    }
}

fn row(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    counts: impl IntoIterator<Item = (String, u64)>,
) -> fmt::Result {
    for (index, (name, count)) in counts.into_iter().enumerate() {
        match index {
            0 => write!(f, "\n{title:<13}{name} {count}")?,
            _ => write!(f, ", {name} {count}")?,
        }
    }
    Ok(())
}
