package index

import (
	"context"
	"database/sql"
	"errors"
)

// conn is a connection that prepares each statement once: preparing one costs
// more than running it. It is used by one goroutine at a time.
type conn struct {
	*sql.Conn
	prepared map[string]*sql.Stmt
}

func newConn(c *sql.Conn) *conn { return &conn{c, map[string]*sql.Stmt{}} }

func (c *conn) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if s := c.prepared[query]; s != nil {
		return s, nil
	}
	s, err := c.PrepareContext(ctx, query)
	if err == nil {
		c.prepared[query] = s
	}
	return s, err
}

func (c *conn) exec(ctx context.Context, query string, args ...any) error {
	s, err := c.stmt(ctx, query)
	if err != nil {
		return err
	}
	_, err = s.ExecContext(ctx, args...)
	return err
}

// scan reads the one row of a query; there is none when the error is
// sql.ErrNoRows.
func (c *conn) scan(ctx context.Context, query string, args []any, into ...any) error {
	s, err := c.stmt(ctx, query)
	if err != nil {
		return err
	}
	return s.QueryRowContext(ctx, args...).Scan(into...)
}

// Close closes the statements, too: as long as there is one, SQLite keeps the
// file open.
func (c *conn) Close() error {
	var err error
	for _, s := range c.prepared {
		err = errors.Join(err, s.Close())
	}
	return errors.Join(err, c.Conn.Close())
}
