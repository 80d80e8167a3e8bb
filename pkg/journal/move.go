package journal

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"math"
	"os"
)

// moveAtOnce is how many bytes go from the intake into the table in one
// transaction, while others may wait.
const moveAtOnce = 4 << 20

// crammed reports whether so much is in the intake that moving cannot wait
// until nothing comes.
func (k *keeper) crammed() bool { return k.written.Load()-k.moved.Load() > k.room*3/4 }

// moveSlice makes room in the intake while deliveries come.
func (k *keeper) moveSlice() {
	more, err := k.move(nil, math.MaxInt64, (*keeper).transaction)
	if more && err == nil && k.crammed() {
		k.nudge()
	}
}

// move takes the next frames before until into the table of segments. It
// reports whether there may be more. The intake is looked for when it is nil.
func (k *keeper) move(in *intake, until int64, transaction func(*keeper, func(context.Context) error) error) (more bool, err error) {
	var moved int64
	err = transaction(k, func(ctx context.Context) (err error) {
		moved, more, err = k.moveSome(ctx, in, until)
		return err
	})
	if err == nil {
		k.moved.Store(max(moved, k.moved.Load()))
	}
	return more, err
}

func (k *keeper) moveSome(ctx context.Context, in *intake, until int64) (moved int64, more bool, err error) {
	if err := k.conn.scan(ctx, "SELECT intake FROM state", nil, &moved); err != nil {
		return 0, false, err
	}
	if in == nil {
		if in, err = lookIntake(k.path+intakeSuffix, k.log); err != nil || in == nil {
			return moved, false, err
		}
		defer in.file.Close()
	}
	before := moved
	var buf []byte
	for moved < until {
		if moved-before > moveAtOnce {
			more = true
			break
		}
		f, err := in.read(moved, buf)
		if err != nil {
			return 0, false, err
		}
		if f == nil {
			break
		}
		if len(f.data) > 0 {
			if err := k.insert(ctx, f.last, f.data); err != nil {
				return 0, false, err
			}
		}
		moved, buf = f.next, f.data[:0]
	}
	if moved == before {
		return moved, false, nil
	}
	return moved, more, k.conn.exec(ctx, "UPDATE state SET intake = ?", moved)
}

// moveAll takes all that is in the intake now into the table.
func (k *keeper) moveAll(ctx context.Context, in *intake, transaction func(*keeper, func(context.Context) error) error) error {
	until := int64(-1)
	for more := true; more; {
		err := k.work(ctx, func() (err error) {
			if until < 0 {
				// Who writes meanwhile must not keep this from ending.
				if until, err = k.endOf(in); err != nil {
					return err
				}
			}
			more, err = k.move(in, until, transaction)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// endOf is up to where the intake is written.
func (k *keeper) endOf(in *intake) (end int64, err error) {
	err = k.conn.scan(k.base, "SELECT intake FROM state", nil, &end)
	if err != nil {
		return 0, err
	}
	if in == nil {
		if in, err = lookIntake(k.path+intakeSuffix, k.log); err != nil || in == nil {
			return end, err
		}
		defer in.file.Close()
	}
	return in.end(end)
}

// spot is where this process stands in the intake. The zero value says that
// it does not know.
type spot struct {
	pos  int64 // of the next frame
	last int64 // id of the last delivery
	// The frame before pos, whose head says whether others have gone past.
	before int64
	head   [frameHead]byte
	known  bool
}

// store makes the batch and the outcomes durable.
func (w *writer) store() error {
	if err := w.keeper.present(); err != nil {
		return err
	}
	if !writable(w.path) {
		return ErrReadOnly
	}
	if !hasIntake {
		return w.storeInTable((*keeper).transaction)
	}
	if err := w.claim(true); err != nil {
		return err
	}
	defer w.release()
	if err := w.catchUp(); err != nil {
		return err
	}
	w.encode()
	if size := int64(len(w.buf)); size > w.intake.room/2-4*frameHead {
		return w.storeLarge()
	}
	if err := w.makeRoom(int64(len(w.buf))); err != nil {
		return err
	}
	return w.put(w.buf, w.at.last, uint32(len(w.buf)-frameHead))
}

// storeInTable does without an intake.
func (w *writer) storeInTable(transaction func(*keeper, func(context.Context) error) error) error {
	return w.keeper.work(w.base, func() error {
		return transaction(w.keeper, func(ctx context.Context) error {
			if err := w.learn(ctx); err != nil {
				return err
			}
			w.encode()
			return w.keeper.insert(ctx, w.at.last, w.buf[frameHead:])
		})
	})
}

// storeLarge stores what is too large for the intake. A frame says that ids
// were given out elsewhere, so that other processes look.
func (w *writer) storeLarge() error {
	data := w.buf[frameHead:]
	if err := w.makeRoom(frameHead); err != nil {
		return err
	}
	if err := w.put(make([]byte, frameHead), w.at.last, 0); err != nil {
		return err
	}
	if err := w.keeper.moveAll(w.base, w.intake, (*keeper).transaction); err != nil {
		return err
	}
	return w.keeper.exec(w.base, func(ctx context.Context) error {
		return w.keeper.insert(ctx, w.at.last, data)
	})
}

// claim opens the intake, makes one if it may, and takes its lock. There is
// none when it returns fs.ErrNotExist.
func (w *writer) claim(create bool) (err error) {
	for {
		if w.intake == nil {
			w.at = spot{}
			flag := os.O_RDWR
			if create {
				flag |= os.O_CREATE
			}
			if w.intake, err = openIntake(w.path+intakeSuffix, flag, w.keeper.file.Mode().Perm()); err != nil {
				w.intake = nil
				if errors.Is(err, fs.ErrNotExist) {
					return err
				}
				return osFault(err)
			}
		}
		if err := w.intake.claim(w.base, w.opts.Busy); err != nil {
			return err
		}
		switch taken := !w.intake.there(); {
		case taken:
			// By who closed the log, and has moved all that is in it; or by
			// someone who did not.
			if w.intake.salt != 0 {
				err = w.keeper.moveAll(w.base, w.intake, (*keeper).anyway)
			}
		case w.intake.salt == 0:
			err = w.intake.begin(w.keeper.log, w.keeper.room)
			if errors.Is(err, errStranger) {
				err = w.intake.aside()
				break
			}
			if err == nil {
				return nil
			}
		default:
			return nil
		}
		if err != nil {
			w.release()
			return err
		}
		_ = w.intake.file.Close() // with it goes the lock; all that was written was flushed
		w.intake = nil
	}
}

func (w *writer) release() { _ = unlockFile(w.intake.file) } // of a file that is open that does not fail

// recover looks at what a process that was killed has left.
func (w *writer) recover() error {
	if !hasIntake {
		return nil
	}
	if _, err := os.Stat(w.path + intakeSuffix); err != nil {
		return nil
	}
	if err := w.claim(false); errors.Is(err, fs.ErrNotExist) {
		return nil // it was that of another log
	} else if err != nil {
		return err
	}
	defer w.release()
	return w.catchUp()
}

// catchUp finds out what other processes have written: where the next frame
// goes, and which ids and numbers are given out. Nobody writes meanwhile.
func (w *writer) catchUp() error {
	if w.at.known {
		head, _, _, err := w.intake.head(w.at.before)
		if err != nil {
			return err
		}
		_, _, more, err := w.intake.head(w.at.pos)
		if err != nil {
			return err
		}
		if head == w.at.head && !more {
			return nil
		}
	}
	if err := w.keeper.moveAll(w.base, w.intake, (*keeper).transaction); err != nil {
		return err
	}
	at := spot{known: true}
	err := w.keeper.exec(w.base, func(ctx context.Context) error {
		if err := w.keeper.conn.scan(ctx, "SELECT intake FROM state", nil, &at.pos); err != nil {
			return err
		}
		return w.learn(ctx)
	})
	if err != nil {
		return err
	}
	if !w.intake.sound {
		if stray, err := w.intake.stray(at.pos, at.pos); err != nil {
			return err
		} else if stray >= 0 {
			return errStray
		}
		w.intake.sound = true
	}
	at.last, at.before = w.at.last, at.pos
	at.head, _, _, err = w.intake.head(at.pos)
	w.at = at
	return err
}

// learn reads from the table what other processes have stored.
func (w *writer) learn(ctx context.Context) error {
	var segment, last int64
	err := w.keeper.conn.scan(ctx, lastSegment, nil, &segment, &last)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if last == w.at.last && last > 0 {
		return nil
	}
	w.at.last = last
	return w.calls.learn(ctx, w.keeper.conn, w.opts.Now())
}

// makeRoom goes to where a frame of so many bytes has room, and waits until
// what is there was moved.
func (w *writer) makeRoom(size int64) error {
	in := w.intake
	next := w.at.pos
	// Beginning anew before the ring is full would save room on the disk. But with
	// two writers that are killed, deliveries that were overwritten so were not
	// in the table afterwards.
	if !in.fits(next, size) {
		next = in.lap(next)
	}
	for next+size > w.keeper.moved.Load()+in.room {
		before := w.keeper.moved.Load()
		err := w.keeper.work(w.base, func() error {
			_, err := w.keeper.move(in, w.at.pos, (*keeper).transaction)
			return err
		})
		if err != nil {
			return err
		}
		if w.keeper.moved.Load() == before {
			return errStray // what was written cannot be read any more
		}
	}
	if next == w.at.pos {
		return nil
	}
	if err := w.put(make([]byte, frameHead), w.at.last, skipLength); err != nil {
		return err
	}
	w.at.pos = next
	return nil
}

// put writes a frame at the place.
func (w *writer) put(b []byte, last int64, length uint32) error {
	w.intake.seal(b, w.at.pos, last, length)
	if err := w.intake.put(w.at.pos, b); err != nil {
		return err
	}
	w.at.before, w.at.head = w.at.pos, [frameHead]byte(b)
	w.at.pos += int64(len(b))
	return nil
}

// retire moves all that is in the intake, and deletes it.
func (w *writer) retire() error {
	err := w.claim(false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = w.keeper.moveAll(w.base, w.intake, (*keeper).anyway)
		if err == nil {
			err = osFault(os.Remove(w.intake.path))
		}
	}
	if w.intake != nil {
		_ = w.intake.file.Close() // all that was written was flushed
		w.intake = nil
	}
	return err
}

// leftToNext is err, unless it only kept the intake from being moved: all in it
// is on the disk, and the next process moves it.
func leftToNext(err error) error {
	if errors.Is(err, ErrFull) || errors.Is(err, ErrLocked) || errors.Is(err, ErrReadOnly) {
		return nil
	}
	return err
}
