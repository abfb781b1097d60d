//! `egret packets`: link headers, times, tunnels on other ports, DNS in JSON, and nothing said in words with `--redact`.

use crate::run::{file, run};

/// The first lines of what a command prints.
fn lines(command: &str, count: usize) -> Vec<String> {
    let done = run(command);
    assert_eq!(done.code, Some(0), "{command}: {}", done.err);
    done.text().lines().take(count).map(str::to_owned).collect()
}

/// A capture of one Ethernet frame: a datagram from 10.0.0.1:40000 to a port of 10.0.0.2.
fn datagram(name: &str, port: u16, payload: &[u8]) -> String {
    let length = |header: usize| ((header + payload.len()) as u16).to_be_bytes();
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0];
    frame.extend(length(28));
    frame.extend([0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x9c, 0x40]);
    frame.extend(port.to_be_bytes());
    frame.extend(length(8));
    frame.extend([0, 0]);
    frame.extend(payload);
    let mut capture = crate::run::header().to_vec();
    capture[20] = 1;
    for field in [1, 0, frame.len() as u32, frame.len() as u32] {
        capture.extend(field.to_le_bytes());
    }
    capture.extend(frame);
    file(name, &capture)
}

#[test]
fn the_link_header_is_shown_on_request() {
    assert_eq!(
        lines("packets -e -r fixtures/tcp/vlan-twins.pcap", 1),
        [
            "00:00:00.000000 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype 802.1Q (0x8100), length 62: vlan 7, p 0, \
          ethertype IPv4 (0x0800), 10.0.0.1.51234 > 10.0.0.2.80: Flags [S], seq 1000, win 65535, options [mss 1460], length 0"
        ]
    );
}

#[test]
fn times_in_each_of_tcpdumps_forms() {
    for (option, second) in [
        ("", "00:00:00.001000 IP"),
        ("-t", "IP 10.0.0.2"),
        ("-tt", "1767225600.001000 IP"),
        ("-ttt", " 00:00:00.001000 IP"),
        ("-tttt", "2026-01-01 00:00:00.001000 IP"),
        ("-ttttt", " 00:00:00.001000 IP"),
    ] {
        let lines = lines(&format!("packets {option} -r fixtures/http/get.pcap"), 2);
        assert!(lines[1].starts_with(second), "{option}: {}", lines[1]);
    }
}

#[test]
fn vlans_are_ignored_on_request() {
    let count = |option: &str| lines(&format!("streams {option} -r fixtures/tcp/vlan-twins.pcap"), 9).len();
    assert_eq!((count(""), count("--ignore-vlan")), (3, 1));
}

#[test]
fn a_tunnel_on_another_port_is_entered_when_it_is_named() {
    let inner = [0x45, 0, 0, 20, 0, 0, 0, 0, 64, 59, 0, 0, 10, 9, 0, 1, 10, 9, 0, 2];
    let frame = [&[8, 0, 0, 0, 0, 0, 7, 0, 2, 0, 0, 0, 0, 4, 2, 0, 0, 0, 0, 3, 8, 0][..], &inner].concat();
    let capture = datagram("vxlan.pcap", 8472, &frame);
    assert_eq!(
        lines(&format!("packets -t -r {capture}"), 1),
        ["IP 10.0.0.1.40000 > 10.0.0.2.8472: UDP, length 42"]
    );
    assert_eq!(
        lines(&format!("packets -t -r {capture} --decode-as udp.port=8472:vxlan"), 1),
        [
            "IP 10.0.0.1.40000 > 10.0.0.2.8472: VXLAN, flags [I] (0x08), vni 7: IP 10.9.0.1 > 10.9.0.2:  ip-proto-59 0"
        ]
    );
    // A connection in there is found by the same rules.
    let inner = b"E\0\0\x28\0\0\0\0\x40\x06\0\0\x0a\x09\0\x01\x0a\x09\0\x02\xc0\0\0\x50\0\0\0\x07\0\0\0\0\x50\x02\xff\xff\0\0\0\0";
    let frame = [&frame[..22], inner].concat();
    let opening = datagram("vxlan-tcp.pcap", 8472, &frame);
    let stream =
        |option: &str| run(&format!("packets -r {opening} --stream 1 {option}")).text().lines().count();
    assert_eq!((stream(""), stream("--decode-as udp.port=8472:vxlan")), (0, 1));
    let done = run(&format!("packets -r {capture} --decode-as udp.port=8472:vlan"));
    assert_eq!(done.code, Some(2));
    assert!(done.err.contains("give one of vxlan"), "{}", done.err);
}

#[test]
fn dns_is_in_the_line_and_in_the_record() {
    let message = b"\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0\x01a\0\0\x01\0\x01\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\0\0\x09";
    let capture = datagram("dns.pcap", 53, message);
    assert_eq!(
        lines(&format!("packets -t -r {capture}"), 1),
        ["IP 10.0.0.1.40000 > 10.0.0.2.53: 4660 1/0/0 A 10.0.0.9 (35)"]
    );
    let record = &run(&format!("packets --json -r {capture}")).records()[0];
    let expected = serde_json::json!({
        "id": 4660, "response": true, "opcode": 0, "code": 0,
        "questions": [{"name": "a.", "type": "A"}],
        "answers": [{"name": "a.", "type": "A", "ttl": 60, "data": "10.0.0.9"}],
    });
    assert_eq!(record["dns"], expected);
}

#[test]
fn what_is_asked_for_is_not_shown_with_redact() {
    let all = lines("packets -r fixtures/http/secrets.pcap", 9).join("\n");
    assert!(all.contains(": HTTP: POST /login?"), "{all}");
    let redacted = lines("packets --redact -r fixtures/http/secrets.pcap", 99).join("\n");
    assert!(redacted.contains(": HTTP") && !redacted.contains("login"), "{redacted}");
}
