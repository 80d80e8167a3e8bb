package main

import (
	"bytes"
	"sync"
)

// valueAt returns the value below doc at a path of keys, nil when there is none.
func valueAt(doc any, path ...string) any {
	for _, key := range path {
		object, _ := doc.(map[string]any)
		doc = object[key]
	}
	return doc
}

// replayResult is what tests read of the last record of replay.
type replayResult struct {
	Planned, OK int
	Errors      map[string]int
	ElapsedMS   float64
	Pace        *struct {
		Reached  float64
		Lateness *replayLatency `json:"latenessMs"`
	}
	Latency *replayLatency `json:"latencyMs"`
}

type replayLatency struct{ P50, P99 float64 }

// buffer collects what concurrent writers print.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *buffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *buffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
