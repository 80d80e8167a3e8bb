// Package migrate makes a folder of a delivery log that is a file, as those of older
// versions of this program are.
//
// It copies what is in the file, proves that all was copied, and moves the file out of
// the way.
package migrate

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/julianctl/julianctl/pkg/index"
	"github.com/julianctl/julianctl/pkg/record"
	"github.com/julianctl/julianctl/pkg/segment"
)

// Before logs were folders, a log was a SQLite file with a table of segments, each
// many records, and a ring of frames beside it, the intake, with what was not in
// the table yet. This reads both, once.
const (
	oldApplicationID = 0x4a434c47 // "JCLG"
	oldVersions      = 3
	oldIntake        = "-intake"
	oldHeadSize      = 4096
	oldFrameHead     = 32
	oldSkip          = 1<<32 - 1 // the length of a frame after which the rest of the ring is empty
	takenSuffix      = ".old"    // of the name under which it is kept
	takingSuffix     = ".new"    // of the folder that is to take its place,
	wholeSuffix      = ".whole"  // and once it was checked
)

// oldEnds are the files of a log that is a file.
var oldEnds = []string{"", "-wal", "-shm", oldIntake}

// Options are what the log is to be like.
type Options struct {
	Busy time.Duration // how long to wait for another process that writes
	// SegmentBytes and SegmentDeliveries are how large a segment gets.
	SegmentBytes      int64
	SegmentDeliveries int
}

// File makes a folder of a log that is a file, whole or not at all. The file
// stays under another name, which it returns; empty when there was nothing to do.
func File(ctx context.Context, path string, opts Options) (kept string, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		// It may have been cut off between the last two steps.
		if err := os.Rename(path+wholeSuffix, path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		return "", nil
	}
	if err != nil || info.IsDir() {
		return "", nil // who opens it tells
	}
	if is, err := isOld(path, info); err != nil || !is {
		return "", err
	}
	// Who appends to it holds its intake.
	intake, err := os.OpenFile(path+oldIntake, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", segment.OSFault(err)
	}
	defer intake.Close()
	if err := (&segment.Folder{Lock: intake}).Take(ctx, opts.Busy); err != nil {
		return "", err
	}
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		return "", nil // another process was quicker
	}
	err = copyOld(ctx, path, intake, &opts)
	if info, statErr := intake.Stat(); statErr == nil && info.Size() == 0 {
		_ = errors.Join(intake.Close(), os.Remove(path+oldIntake)) // it has just been made
	}
	if err != nil {
		return "", errors.Join(fmt.Errorf("the log is a file of an older version, and could not be taken over: %w", index.Typed(err)), os.RemoveAll(path+takingSuffix))
	}
	kept = path + takenSuffix
	for n := 2; ; n++ {
		if _, err := os.Lstat(kept); err != nil {
			break
		}
		kept = fmt.Sprintf("%s%s-%d", path, takenSuffix, n)
	}
	if err := os.Rename(path+takingSuffix, path+wholeSuffix); err != nil {
		return "", err
	}
	// First the file: from here on, the folder counts.
	for _, end := range oldEnds {
		if err := os.Rename(path+end, kept+end); err != nil && end == "" {
			return "", err
		}
	}
	return kept, errors.Join(os.Rename(path+wholeSuffix, path), segment.SyncFolder(filepath.Dir(path)))
}

// isOld reports whether a file is a log.
func isOld(path string, info fs.FileInfo) (bool, error) {
	if !info.Mode().IsRegular() {
		return false, nil
	}
	if info.Size() == 0 {
		if _, err := os.Stat(path + "-wal"); err == nil {
			return true, nil
		}
		return false, os.Remove(path) // made in advance
	}
	file, err := os.Open(path)
	if err != nil {
		return false, segment.OSFault(err)
	}
	defer file.Close()
	head := make([]byte, 100)
	_, _ = file.ReadAt(head, 0) // what is short has other bytes
	application := binary.BigEndian.Uint32(head[68:])
	_, waiting := os.Stat(path + "-wal") // what the file is may be in there
	return bytes.HasPrefix(head, []byte("SQLite format 3\x00")) && (application == oldApplicationID || application == 0 && waiting == nil), nil
}

// copyOld makes the folder, and proves that it holds all.
func copyOld(ctx context.Context, path string, intake *os.File, opts *Options) error {
	to := path + takingSuffix
	if err := errors.Join(os.RemoveAll(to), os.RemoveAll(path+wholeSuffix)); err != nil {
		return err
	}
	db, err := index.OpenDB(path, opts.Busy, url.Values{})
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	o := &oldLog{}
	err = o.copy(ctx, db, intake, to, opts)
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	problem := ""
	made, err := verify(ctx, to, opts.Busy, func(id int64, what string) { problem = fmt.Sprintf(": delivery %d: %s", id, what) })
	if err == nil && (made.Problems > 0 || made.Deliveries != o.deliveries) {
		err = fmt.Errorf("%w: of %d deliveries %d are whole%s", segment.ErrCorrupt, o.deliveries, made.Deliveries, problem)
	}
	return err
}

// verify reads the whole log at path.
func verify(ctx context.Context, path string, busy time.Duration, problem func(id int64, what string)) (v index.Verified, err error) {
	f, err := segment.OpenFolder(ctx, path, false)
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, f.Lock.Close()) }()
	x, err := index.Open(ctx, f, busy)
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	return x.Verify(ctx, problem)
}

// oldLog is what is copied.
type oldLog struct {
	folder     *segment.Folder
	opts       *Options
	tail       *segment.Tail
	buf        []byte
	turn       segment.Turn
	deliveries int64
}

func (o *oldLog) copy(ctx context.Context, db *sql.DB, intake *os.File, to string, opts *Options) (err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	var application, version int
	err = conn.QueryRowContext(ctx, "SELECT application_id, user_version FROM pragma_application_id, pragma_user_version").Scan(&application, &version)
	switch {
	case err != nil:
		return err
	case application != oldApplicationID:
		return segment.ErrForeign
	case version > oldVersions:
		return segment.ErrNewer
	}
	if o.folder, err = segment.OpenFolder(ctx, to, true); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.folder.Lock.Close()) }()
	o.opts = opts
	if err := o.table(ctx, conn); err != nil {
		return err
	}
	if version > 1 {
		var log, moved int64
		if err := conn.QueryRowContext(ctx, "SELECT log, intake FROM state").Scan(&log, &moved); err != nil {
			return err
		}
		if err := o.intake(intake, log, moved); err != nil {
			return err
		}
	}
	// Ids go on, also where the last delivery was pruned.
	o.turn.Seq++
	return o.write(&record.Deletion{Given: o.turn.Last}, true)
}

func (o *oldLog) table(ctx context.Context, conn *sql.Conn) error {
	rows, err := conn.QueryContext(ctx, "SELECT id, last, crc, data FROM segments ORDER BY id")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id, last, crc int64
		var data []byte
		if err := rows.Scan(&id, &last, &crc, &data); err != nil {
			return err
		}
		if int64(crc32.Checksum(data, segment.Castagnoli())) != crc {
			return fmt.Errorf("%w: segment %d: its check sum differs", segment.ErrCorrupt, id)
		}
		if err := o.add(data, last); err != nil {
			return err
		}
	}
	return rows.Err()
}

// intake copies the frames that were not moved into the table. Positions count bytes
// since the log was made; a position's place in the ring is its remainder.
func (o *oldLog) intake(file *os.File, log, pos int64) (err error) {
	head := make([]byte, 56)
	if _, err := file.ReadAt(head, 0); err != nil || int64(binary.LittleEndian.Uint64(head[24:])) != log ||
		crc32.Checksum(head[:48], segment.Castagnoli()) != binary.LittleEndian.Uint32(head[48:]) {
		return nil // it has just been made, or is that of another log
	}
	salt, room := head[32:40], int64(binary.LittleEndian.Uint64(head[40:]))
	limit := pos + room
	defer func() {
		if err == nil {
			err = oldOrphan(file, salt, pos, limit)
		}
	}()
	for frame := make([]byte, oldFrameHead); room > 0; {
		frame = frame[:oldFrameHead]
		place := oldHeadSize + pos%room
		if _, err := file.ReadAt(frame, place); err != nil || !bytes.Equal(frame[:8], salt) || int64(binary.LittleEndian.Uint64(frame[8:])) != pos {
			return nil
		}
		last, length := int64(binary.LittleEndian.Uint64(frame[16:])), int64(binary.LittleEndian.Uint32(frame[24:]))
		next := pos + oldFrameHead + length
		if length == oldSkip {
			length, next = 0, (pos/room+1)*room
		}
		if length > room {
			return nil
		}
		frame = append(frame, make([]byte, length)...)
		if _, err := file.ReadAt(frame[oldFrameHead:], place+oldFrameHead); err != nil {
			return nil // it was cut off
		}
		sum := crc32.Update(crc32.Checksum(frame[:28], segment.Castagnoli()), segment.Castagnoli(), frame[oldFrameHead:])
		if sum != binary.LittleEndian.Uint32(frame[28:]) {
			return nil
		}
		if err := o.add(frame[oldFrameHead:], last); err != nil {
			return err
		}
		pos = next
	}
	return nil
}

// oldOrphan looks for a frame behind the end, where there is none unless the one at
// the end was damaged.
func oldOrphan(file *os.File, salt []byte, end, limit int64) error {
	data, err := io.ReadAll(io.NewSectionReader(file, oldHeadSize, 1<<40))
	if err != nil {
		return segment.OSFault(err)
	}
	for at := 0; at+oldFrameHead < len(data); at++ {
		found := bytes.Index(data[at:], salt)
		if found < 0 {
			return nil
		}
		if at += found; at+oldFrameHead < len(data) {
			if pos := int64(binary.LittleEndian.Uint64(data[at+8:])); pos > end && pos < limit {
				return fmt.Errorf("%w: deliveries in its intake are behind one that cannot be read", segment.ErrCorrupt)
			}
		}
	}
	return nil
}

// add copies records, which each have their kind and length before them.
func (o *oldLog) add(data []byte, last int64) error {
	o.turn = segment.Turn{Seq: o.turn.Seq + 1, Last: max(o.turn.Last, last)}
	for len(data) > 0 {
		kind := data[0]
		length, size := binary.Uvarint(data[1:])
		if size <= 0 || length > uint64(len(data)-1-size) {
			return segment.ErrRecord
		}
		end := 1 + size + int(length)
		body := data[1+size : end]
		data = data[end:]
		if err := o.room(); err != nil {
			return err
		}
		o.buf = o.tail.AppendFrame(o.buf, o.turn.Seq, kind, func(b []byte) []byte { return append(b, body...) })
		if kind == record.DeliveryKind {
			o.deliveries++
			o.tail.Count++
		}
		if len(o.buf) > segment.FillStep {
			if err := o.write(nil, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// room makes sure that there is a segment with room.
func (o *oldLog) room() (err error) {
	if o.tail != nil && (o.tail.At+int64(len(o.buf)) > o.opts.SegmentBytes || o.tail.Count >= o.opts.SegmentDeliveries) {
		if err := o.write(nil, true); err != nil {
			return err
		}
	}
	if o.tail == nil {
		o.tail, err = o.folder.Create(o.turn.Seq)
	}
	return err
}

// write writes what is waiting, and a deletion after it. With end, that is the end of
// the segment.
func (o *oldLog) write(d *record.Deletion, end bool) error {
	if d != nil {
		if err := o.room(); err != nil {
			return err
		}
		o.buf = o.tail.AppendFrame(o.buf, o.turn.Seq, record.DeletionKind, func(b []byte) []byte { return record.AppendDeletion(b, d) })
	}
	if err := o.tail.Write(o.buf, segment.FillStep); err != nil {
		return err
	}
	o.buf = o.buf[:0]
	if !end {
		return nil
	}
	err := errors.Join(segment.OSFault(segment.SyncData(o.tail.File)), o.tail.Close(), o.folder.SetTurn(o.turn))
	o.tail = nil
	return err
}
