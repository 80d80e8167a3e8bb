package generate

import (
	"bufio"
	"context"
	"errors"
	"runtime"
	"slices"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/inorder"
	"github.com/julianctl/julianctl/pkg/jsonscan"
)

// calls are those that generate writes.
type calls struct {
	a       *cli.App
	g       *generate.Generator // before the first of them
	recipes []recipe            // in turn
	edits   []cli.Edit
	count   int
	largest int // size of a transcript, where one is asked for
}

// write writes whole payloads only, also when it is interrupted.
func (c calls) write(ctx context.Context) error {
	const batchSize, largest = 256 << 10, 1 << 20 // in bytes; a core has a few batches in memory
	size := max(1, batchSize/(4<<10+c.largest))   // in calls
	jobs := runtime.GOMAXPROCS(0)
	slow := slices.ContainsFunc(c.recipes, func(r recipe) bool { return r.skip == nil })
	if jobs == 1 || c.count <= size || c.largest > largest || slow {
		return c.inTurn(ctx)
	}
	return c.together(ctx, jobs, size)
}

// inTurn makes one call after the other.
func (c calls) inTurn(ctx context.Context) error {
	w := bufio.NewWriterSize(c.a.Out, 64<<10)
	var room, text []byte
	var err error
	for i := 0; i < c.count && err == nil; i++ {
		if err = ctx.Err(); err == nil {
			text, room, err = c.appendCall(text[:0], room, c.g, i)
			_, _ = w.Write(text) // Flush has its error
		}
	}
	if w.Flush() != nil {
		return c.a.Out.Err()
	}
	return err
}

// batch is calls that are made by one goroutine: the generator is before the
// first of them, number from, counted from 0, and makes those up to number to.
type batch struct {
	g        *generate.Generator
	from, to int
}

// madeCalls are what came of a batch. After an error there are no more.
type madeCalls struct {
	text []byte // lines
	err  error
}

// together makes batches of calls on several goroutines: one of them passes over
// the calls that the others make.
func (c calls) together(ctx context.Context, jobs, size int) error {
	batches := func(yield func(batch) bool) {
		for from := 0; from < c.count && ctx.Err() == nil; from += size {
			b := batch{c.g.Fork(), from, min(from+size, c.count)}
			if !yield(b) || b.to == c.count {
				return
			}
			for i := b.from; i < b.to; i++ {
				c.recipes[i%len(c.recipes)].skip(c.g)
			}
		}
	}
	bytes := func(b batch) int { return (b.to - b.from) * (4<<10 + c.largest) }
	used := make(chan []byte, 4*jobs) // memory of lines that are written
	written := 0
	for l := range inorder.Map(batches, jobs, bytes, func() func(batch) madeCalls { return c.maker(used) }) {
		if _, err := c.a.Out.Write(l.text); err != nil {
			return c.a.Out.Err()
		}
		if l.err != nil {
			return l.err
		}
		written += size
		used <- l.text
	}
	if written < c.count {
		return ctx.Err()
	}
	return nil
}

// maker makes the calls of batches, in memory that was used before.
func (c calls) maker(used <-chan []byte) func(batch) madeCalls {
	var room []byte
	return func(b batch) (l madeCalls) {
		select {
		case text := <-used:
			l.text = text[:0]
		default:
		}
		for i := b.from; i < b.to && l.err == nil; i++ {
			l.text, room, l.err = c.appendCall(l.text, room, b.g, i)
		}
		return l
	}
}

// appendCall adds the payloads of call number i, the next of g, each on a line.
// Room is memory to make them in, before and after.
func (c calls) appendCall(dst, room []byte, g *generate.Generator, i int) (_, _ []byte, err error) {
	bodies, err := c.recipes[i%len(c.recipes)].payloads(g, room)
	if err != nil {
		return dst, room, err
	}
	room = bodies[0]
	for _, body := range bodies {
		if len(c.edits) > 0 {
			if !jsonscan.Valid(body) {
				return dst, room, cli.UsageError(errors.New("--set needs JSON, and these payloads are broken as such"), "leave --set out, or choose another rule")
			}
			if body, err = cli.ApplyEdits(body, c.edits); err != nil {
				return dst, room, err
			}
		}
		if c.a.Out.IsTTY() {
			body = forEyes(body, c.a.Style)
		}
		dst = append(append(dst, body...), '\n')
	}
	return dst, room, nil
}
