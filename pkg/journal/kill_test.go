package journal

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/record"
)

const childLog = "JULIANCTL_TEST_CHILD_LOG"

// TestKillChild is the process that TestSurvivesKill kills: it appends, deletes, prunes,
// verifies and throws the index away, and says on stdout what it was promised.
func TestKillChild(t *testing.T) {
	path := os.Getenv(childLog)
	if path == "" {
		t.Skip("it is a process of TestSurvivesKill")
	}
	ctx := context.Background()
	l, err := Open(ctx, path, Options{MaxBytes: 1 << 20, MaxDeliveries: -1}) // segments of 64 KiB
	if err != nil {
		t.Fatal(err)
	}
	l.opts.MaxBytes, l.keep.opts.MaxBytes = -1, -1 // nothing is pruned by itself
	var mu sync.Mutex
	say := func(format string, args ...any) { fmt.Printf(format+"\n", args...) }
	var mine []int64
	for range 4 {
		go func() {
			for n := 0; ; n++ {
				d := delivery(fmt.Sprint("call.", n), strings.Repeat(fmt.Sprint(rand.Int64()), 1+rand.IntN(150)))
				if err := l.Append(ctx, d); err != nil {
					say("E append: %s", err)
					return
				}
				say("A %d %x", d.ID, d.Hash)
				mu.Lock()
				mine = append(mine, d.ID)
				mu.Unlock()
				if n%3 == 0 {
					_ = l.Finish(ctx, d.ID, unavailable)
				}
				if n%30 == 0 && l.write.ask(ctx, func() error { return nil }) == nil {
					say("F %d", d.ID)
				}
			}
		}()
	}
	for {
		mu.Lock()
		id := int64(0)
		if len(mine) > 0 {
			id = mine[rand.IntN(len(mine))]
		}
		mu.Unlock()
		switch n := rand.IntN(10); {
		case id == 0:
			time.Sleep(time.Millisecond) // until there is one
		case n < 3:
			say("d %d", id)
			if n, err := l.Delete(ctx, id); err != nil {
				say("E delete: %s", err)
			} else if n == 1 {
				say("D %d", id)
			}
		case n == 3:
			all, _ := l.IDs(ctx, Filter{})
			if len(all) < 50 {
				continue
			}
			cut := all[len(all)/10]
			say("p %d", cut)
			if err := l.remove(ctx, record.Deletion{Through: cut}, true); err != nil { // as Prune does
				say("E prune: %s", err)
			}
		case n == 4 && rand.IntN(5) == 0:
			removeIndex(indexOf(t, l.Path()))
		case n == 5:
			if _, err := l.Verify(ctx, func(id int64, what string) { say("E verify: %d %s", id, what) }); err != nil {
				say("E verify: %s", err)
			}
		default:
			if _, err := l.IDs(ctx, Filter{Text: "call.1"}); err != nil {
				say("E list: %s", err)
			}
		}
	}
}

// However processes that share a log are killed, what was acknowledged is there, byte
// for byte, what was deleted is gone, and nothing needs a repair.
func TestSurvivesKill(t *testing.T) {
	t.Parallel()
	rounds := 4
	if os.Getenv("JULIANCTL_LONG") != "" {
		rounds = 300
	}
	path := filepath.Join(t.TempDir(), "log.db")
	acknowledged, finished := map[int64]string{}, map[int64]bool{}
	maybe, deleted := map[int64]bool{}, map[int64]bool{}
	cut := int64(0) // up to here, all may have been pruned
	for round := range rounds {
		var all sync.WaitGroup
		var mu sync.Mutex
		ctx, kill := context.WithCancel(t.Context())
		defer kill()
		for range 1 + round%2 {
			child := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestKillChild$")
			child.Env = append(os.Environ(), childLog+"="+path)
			child.Stderr = new(bytes.Buffer)
			out, err := child.StdoutPipe()
			if err == nil {
				err = child.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			all.Go(func() {
				least := 20 + rand.IntN(400)
				for lines := bufio.NewScanner(out); lines.Scan(); {
					var id int64
					var sum string
					line := lines.Text()
					_, _ = fmt.Sscanf(line[1:], "%d %s", &id, &sum)
					mu.Lock()
					switch line[0] {
					case 'A':
						acknowledged[id] = sum
						if least--; least == 0 {
							kill()
						}
					case 'F':
						finished[id] = true
					case 'd':
						maybe[id] = true
					case 'D':
						deleted[id] = true
					case 'p':
						cut = max(cut, id)
					default:
						if !t.Failed() {
							t.Errorf("round %d: %s", round, line)
						}
						kill()
					}
					mu.Unlock()
				}
				_ = child.Wait() // it was killed
			})
		}
		all.Wait()
		kill()
		if round%5 != 4 && round != rounds-1 {
			continue
		}
		l, err := Open(t.Context(), path, Options{ReadOnly: round%2 == 0})
		if err != nil {
			t.Fatal(err)
		}
		if v, err := l.Verify(t.Context(), func(id int64, what string) { t.Errorf("round %d: %d %s", round, id, what) }); err != nil {
			t.Fatalf("round %d: %+v, %v", round, v, err)
		}
		there := map[int64]bool{}
		for e, err := range l.Deliveries(t.Context(), Filter{}) {
			if err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			there[e.ID] = true
			if sum, was := acknowledged[e.ID]; was && sum != fmt.Sprintf("%x", record.Hash(e.Body)) {
				t.Errorf("round %d: delivery %d has other bytes", round, e.ID)
			}
			if finished[e.ID] && e.Outcome == nil {
				t.Errorf("round %d: what became of %d is gone", round, e.ID)
			}
		}
		for id := range acknowledged {
			if !there[id] && !maybe[id] && id > cut {
				t.Errorf("round %d: delivery %d is gone", round, id)
			}
			if there[id] && deleted[id] {
				t.Errorf("round %d: delivery %d is there again", round, id)
			}
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	t.Logf("%d acknowledged over %d kills, %d deleted, pruned up to %d", len(acknowledged), rounds, len(deleted), cut)
	if len(acknowledged) < 20*rounds {
		t.Error("too few")
	}
}
