package receive

import (
	"crypto/sha256"
	"hash/maphash"
	"slices"
	"sync"
)

// longestID is the longest call id kept as text; longer ones are hashed.
const longestID = 256

// copyCounter numbers the deliveries, and the copies of each call. It keeps the last
// maxCalls calls, and at most maxBytes of payloads; of older ones only the digest. A
// call that was forgotten counts from 1 again.
type copyCounter struct {
	maxCalls int
	maxBytes int64

	mu       sync.Mutex
	seq      int64
	calls    map[string]*call
	order    []*call // oldest first
	released int     // order[:released] have no payload any more
	bytes    int64   // of the payloads kept

	seed maphash.Seed // of digests
}

// call is the state of one call.
type call struct {
	key    string
	copies int
	firstPayload
}

// firstPayload is the first payload of a call, nil after it was released to limit
// memory, and its digest.
type firstPayload struct {
	payload []byte
	digest  digest
}

// digest identifies a payload. The seed is secret, so that no sender can make two
// payloads with the same digest. It costs a tenth of SHA-256.
type digest struct {
	size int
	hash uint64
}

func (m *copyCounter) digest(payload []byte) digest {
	return digest{len(payload), maphash.Bytes(m.seed, payload)}
}

// compare returns how payload differs from the first payload of its call.
func (m *copyCounter) compare(first firstPayload, payload []byte) Change {
	switch {
	case first.payload != nil:
		return Compare(first.payload, payload)
	case first.digest == m.digest(payload):
		return Change{Kind: Same}
	}
	return Change{Kind: Unknown}
}

func newCopyCounter(maxCalls int, maxBytes int64) *copyCounter {
	return &copyCounter{
		maxCalls: maxCalls, maxBytes: maxBytes, calls: map[string]*call{},
		seed: maphash.MakeSeed(),
	}
}

// number sets d.Seq and, if it has a call id, d.Nth and d.Copy. payload must not change
// afterwards.
func (m *copyCounter) number(d *Delivery, payload []byte) {
	key := d.CallID
	if len(key) > longestID {
		hash := sha256.Sum256([]byte(key))
		key = "sha256:" + string(hash[:])
	}
	first := firstPayload{payload, m.digest(payload)}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seq++
	d.Seq = m.seq
	if key == "" || d.Refusal != "" {
		return
	}
	if c := m.calls[key]; c != nil {
		c.copies++
		d.Nth, d.Copy, d.first = c.copies, c.copies, c.firstPayload
		return
	}
	d.Nth, d.Copy = 1, 1
	c := &call{key: key, copies: 1, firstPayload: first}
	m.calls[key] = c
	m.order = append(m.order, c)
	m.bytes += int64(cap(payload))
	m.forget()
}

// forget removes the oldest payloads and calls until the limits are kept.
func (m *copyCounter) forget() {
	for ; m.bytes > m.maxBytes && m.released < len(m.order); m.released++ {
		m.release(m.order[m.released])
	}
	// Half of them at a time, so that the cost per call is small.
	if len(m.order) <= m.maxCalls {
		return
	}
	old := len(m.order) - m.maxCalls/2
	for _, c := range m.order[:old] {
		m.release(c)
		delete(m.calls, c.key)
	}
	m.order = slices.Clone(m.order[old:])
	m.released = max(0, m.released-old)
}

func (m *copyCounter) release(c *call) {
	if c.payload != nil {
		m.bytes -= int64(cap(c.payload))
		c.payload = nil
	}
}
