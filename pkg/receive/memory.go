package receive

import (
	"crypto/sha256"
	"hash/maphash"
	"slices"
	"sync"
)

// longestID is the length past which a call id is remembered by its hash.
const longestID = 256

// memory numbers the deliveries and the copies of each call. It is bounded
// twice: it knows the last maxCalls calls, and holds payloads of at most
// maxBytes together; of older ones it knows the digest only. A call that was
// forgotten counts from 1 again.
type memory struct {
	maxCalls int
	maxBytes int64

	mu    sync.Mutex
	seq   int64
	calls map[string]*call
	order []*call // oldest first
	bare  int     // order[:bare] have let go of their payload
	bytes int64   // of the payloads held

	seed maphash.Seed // of digests
}

// call is what is known of one call.
type call struct {
	key    string
	copies int
	earlier
}

// earlier is the first payload of a call: itself, until it is let go to keep
// memory bounded, and its digest, made while the processor has it at hand.
type earlier struct {
	payload []byte
	digest  digest
}

// digest tells payloads apart. The seed is secret, so no sender can make two
// that share one; and it costs a tenth of a SHA-256.
type digest struct {
	size int
	hash uint64
}

func (m *memory) digest(payload []byte) digest {
	return digest{len(payload), maphash.Bytes(m.seed, payload)}
}

// compare says what differs between the first payload of a call and this one.
func (m *memory) compare(first earlier, payload []byte) Change {
	switch {
	case first.payload != nil:
		return Compare(first.payload, payload)
	case first.digest == m.digest(payload):
		return Change{Kind: Same}
	}
	return Change{Kind: Unknown}
}

func newMemory(maxCalls int, maxBytes int64) *memory {
	return &memory{
		maxCalls: maxCalls, maxBytes: maxBytes, calls: map[string]*call{},
		seed: maphash.MakeSeed(),
	}
}

// number gives d its place among all deliveries and, when it has a call id,
// among the copies of its call. payload must not change afterwards.
func (m *memory) number(d *Delivery, payload []byte) {
	key := d.CallID
	if len(key) > longestID {
		hash := sha256.Sum256([]byte(key))
		key = "sha256:" + string(hash[:])
	}
	first := earlier{payload, m.digest(payload)}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seq++
	d.Seq = m.seq
	if key == "" || d.Refusal != "" {
		return
	}
	if c := m.calls[key]; c != nil {
		c.copies++
		d.Copy, d.first, d.repeats = c.copies, c.earlier, true
		return
	}
	d.Copy = 1
	c := &call{key: key, copies: 1, earlier: first}
	m.calls[key] = c
	m.order = append(m.order, c)
	m.bytes += int64(cap(payload))
	m.forget()
}

// forget lets the oldest go until the bounds hold.
func (m *memory) forget() {
	for ; m.bytes > m.maxBytes && m.bare < len(m.order); m.bare++ {
		m.release(m.order[m.bare])
	}
	// By the half, so that forgetting one call costs next to nothing.
	if len(m.order) <= m.maxCalls {
		return
	}
	old := len(m.order) - m.maxCalls/2
	for _, c := range m.order[:old] {
		m.release(c)
		delete(m.calls, c.key)
	}
	m.order = slices.Clone(m.order[old:])
	m.bare = max(0, m.bare-old)
}

func (m *memory) release(c *call) {
	if c.payload != nil {
		m.bytes -= int64(cap(c.payload))
		c.payload = nil
	}
}
