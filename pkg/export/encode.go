package export

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"iter"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/inorder"
)

// group is some encoded steps. err, if not nil, ended them.
type group struct {
	steps  []encodedStep
	err    error
	memory []byte // has the bodies
}

// encodedStep is a step without its body.
type encodedStep struct {
	deliver.Step
	from, to int    // where the body is
	digest   string // of the body; empty if not needed
}

// stepOrError is one item of steps.
type stepOrError struct {
	step deliver.Step
	err  error
}

// encode encodes steps in groups, in order, on e.Jobs goroutines. A group has the steps
// that were read while the previous one was encoded, so that none waits for later
// ones.
func (e Export) encode(steps iter.Seq2[deliver.Step, error], digests bool) iter.Seq[group] {
	items := func(yield func(stepOrError) bool) {
		for step, err := range steps {
			if !yield(stepOrError{step, err}) {
				return
			}
		}
	}
	const together = 64 << 10                   // bytes of bodies
	used := make(chan []byte, 4*max(e.Jobs, 1)) // buffers of groups that are written
	groups := inorder.Gather(items, together, func(s stepOrError) int { return len(s.step.Document.Body) })
	encoded := inorder.Map(groups, max(e.Jobs, 1), encodedSize, func() func([]stepOrError) group {
		return func(steps []stepOrError) (g group) {
			select {
			case memory := <-used:
				g.memory = memory[:0]
			default:
			}
			for _, s := range steps {
				if g.err = s.err; g.err != nil {
					break
				}
				g.add(s.step, digests)
			}
			return g
		}
	})
	return func(yield func(group) bool) {
		for g := range encoded {
			if !yield(g) {
				return
			}
			if cap(g.memory) <= 4*together { // one payload may have been very large
				used <- g.memory
			}
		}
	}
}

// encodedSize estimates the size of a step in memory.
func encodedSize(steps []stepOrError) (n int) {
	for _, s := range steps {
		n += 3 * len(s.step.Document.Body)
	}
	return n
}

func (g *group) add(step deliver.Step, digests bool) {
	body := step.Document.Body
	s := encodedStep{Step: step, from: len(g.memory)}
	s.Document.Body = nil
	g.memory = base64.StdEncoding.AppendEncode(g.memory, body)
	s.to = len(g.memory)
	if digests {
		s.digest = digest(body)
	}
	g.steps = append(g.steps, s)
}

// body returns the body of a step, in base64.
func (g *group) body(s encodedStep) []byte { return g.memory[s.from:s.to] }

// ended wraps err, which ends the export early.
func (e Export) ended(err error) error {
	if e.Plan.Stop != nil {
		e.Plan.Stop()
	}
	return err
}

// digest is the SHA-256 of a body in hexadecimal.
func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
