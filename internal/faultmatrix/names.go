package faultmatrix

import (
	"net"
	"sync/atomic"
)

// names is a name server that knows every name to be the authorization
// server's, or answers with an error (RFC 1035 §4.1.1).
type names struct {
	conn    net.PacketConn
	address [4]byte
	code    atomic.Uint32
}

// What a name server answers with.
const (
	noError    = 0
	servFail   = 2
	noSuchName = 3
)

func newNames(address [4]byte) (*names, error) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	n := &names{conn: conn, address: address}
	go n.serve() // until conn is closed
	return n, nil
}

func (n *names) serve() {
	packet := make([]byte, 512)
	for {
		size, from, err := n.conn.ReadFrom(packet)
		if err != nil {
			return
		}
		if answer := n.answer(packet[:size]); answer != nil {
			_, _ = n.conn.WriteTo(answer, from)
		}
	}
}

// answer repeats the question and adds the address, if it asks for one of
// type A.
func (n *names) answer(query []byte) []byte {
	const header = 12
	end := header
	for end < len(query) && query[end] != 0 {
		end += 1 + int(query[end])
	}
	end += 5 // the root's label, type and class
	if end > len(query) {
		return nil
	}
	answer := append([]byte{}, query[:end]...)
	const response, recursion = 0x80, 0x80
	answer[2] |= response
	answer[3] = recursion
	copy(answer[4:header], []byte{0, 1, 0, 0, 0, 0, 0, 0})
	const typeA = 1
	switch code := n.code.Load(); {
	case code != noError:
		answer[3] |= byte(code)
	case query[end-3] == typeA:
		answer[7] = 1
		answer = append(answer, 0xc0, header, 0, typeA, 0, 1, 0, 0, 0, 0, 0, 4) // the name above, class IN, no time to live
		answer = append(answer, n.address[:]...)
	}
	return answer
}
