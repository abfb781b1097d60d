// What a user of GoPacket writes for the same work, to be measured beside egret: `gopacket decode|reassembly|http FILE`.
//
// decode: read the file, and decode the headers with a DecodingLayerParser.
// reassembly: put the TCP streams together too, and throw their bytes away.
// http: read requests and responses from the streams with net/http, one goroutine for each direction of a connection, as
// the articles and examples for GoPacket do; print a line for each, and read bodies to their end.
//
// It makes no effort that those do not make: nothing is paired, and nothing said of what is missing.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"github.com/google/gopacket/tcpassembly"
	"github.com/google/gopacket/tcpassembly/tcpreader"
)

// Packets after which streams that are silent are looked for, and how long silence is, in the time of the packets.
const (
	lookEach = 100000
	silence  = 2 * time.Minute
)

// counter throws the bytes of streams away, and counts them.
type counter struct{ bytes, streams uint64 }

func (c *counter) New(_, _ gopacket.Flow) tcpassembly.Stream { c.streams++; return c }

func (c *counter) Reassembled(pieces []tcpassembly.Reassembly) {
	for _, piece := range pieces {
		c.bytes += uint64(len(piece.Bytes))
	}
}

func (c *counter) ReassemblyComplete() {}

// reader makes a goroutine for each stream that reads messages from it.
type reader struct {
	wait sync.WaitGroup
	lock sync.Mutex
	out  *bufio.Writer
}

func (r *reader) New(net, transport gopacket.Flow) tcpassembly.Stream {
	stream := tcpreader.NewReaderStream()
	r.wait.Add(1)
	go r.read(&stream, net, transport)
	return &stream
}

func (r *reader) read(stream *tcpreader.ReaderStream, net, transport gopacket.Flow) {
	defer r.wait.Done()
	// What is not read to its end holds up everything.
	defer tcpreader.DiscardBytesToEOF(stream)
	buffer := bufio.NewReader(stream)
	for {
		start, err := buffer.Peek(5)
		if err != nil {
			return
		}
		var line string
		var body io.ReadCloser
		if string(start) == "HTTP/" {
			response, err := http.ReadResponse(buffer, nil)
			if err != nil {
				return
			}
			line, body = response.Status, response.Body
		} else {
			request, err := http.ReadRequest(buffer)
			if err != nil {
				return
			}
			line, body = request.Method+" "+request.Host+request.URL.String(), request.Body
		}
		count, _ := io.Copy(io.Discard, body)
		body.Close()
		r.lock.Lock()
		fmt.Fprintln(r.out, net, transport, line, count)
		r.lock.Unlock()
	}
}

func main() {
	if len(os.Args) != 3 {
		fail("gopacket decode|reassembly|http FILE")
	}
	file, err := os.Open(os.Args[2])
	if err != nil {
		fail(err)
	}
	capture, err := pcapgo.NewReader(bufio.NewReaderSize(file, 1<<20))
	if err != nil {
		fail(err)
	}
	out := bufio.NewWriterSize(os.Stdout, 1<<16)
	count, read := &counter{}, &reader{out: out}
	var assembler *tcpassembly.Assembler
	switch os.Args[1] {
	case "decode":
	case "reassembly":
		assembler = tcpassembly.NewAssembler(tcpassembly.NewStreamPool(count))
	case "http":
		assembler = tcpassembly.NewAssembler(tcpassembly.NewStreamPool(read))
	default:
		fail("no such mode: " + os.Args[1])
	}

	var ethernet layers.Ethernet
	var vlan layers.Dot1Q
	var ip4 layers.IPv4
	var ip6 layers.IPv6
	var tcp layers.TCP
	var payload gopacket.Payload
	parser := gopacket.NewDecodingLayerParser(layers.LayerTypeEthernet, &ethernet, &vlan, &ip4, &ip6, &tcp, &payload)
	parser.IgnoreUnsupported = true
	decoded := make([]gopacket.LayerType, 0, 8)
	packets, segments := 0, 0
	for {
		data, info, err := capture.ZeroCopyReadPacketData()
		if err == io.EOF {
			break
		}
		if err != nil {
			fail(err)
		}
		packets++
		if parser.DecodeLayers(data, &decoded) != nil {
			continue
		}
		var net gopacket.Flow
		for _, layer := range decoded {
			switch layer {
			case layers.LayerTypeIPv4:
				net = ip4.NetworkFlow()
			case layers.LayerTypeIPv6:
				net = ip6.NetworkFlow()
			case layers.LayerTypeTCP:
				segments++
				if assembler != nil {
					assembler.AssembleWithTimestamp(net, &tcp, info.Timestamp)
				}
			}
		}
		if assembler != nil && packets%lookEach == 0 {
			assembler.FlushOlderThan(info.Timestamp.Add(-silence))
		}
	}
	if assembler != nil {
		assembler.FlushAll()
		read.wait.Wait()
	}
	if os.Args[1] != "http" {
		fmt.Fprintln(out, packets, segments, count.streams, count.bytes)
	}
	out.Flush()
}

func fail(why interface{}) {
	fmt.Fprintln(os.Stderr, "gopacket:", why)
	os.Exit(1)
}
