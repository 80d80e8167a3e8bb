package effects

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// IDsFileEnv is the environment variable that names the list of calls for a
// clean-up.
const IDsFileEnv = "JULIANCTL_CALL_IDS_FILE"

// CleanUp runs a program, without a shell, that removes what a run left behind.
// It reads the ids of the calls, one a line, from its standard input or from
// the file that [IDsFileEnv] names.
func CleanUp(ctx context.Context, argv, callIDs []string) error {
	list := strings.Join(callIDs, "\n") + "\n"
	file, err := os.CreateTemp("", "julianctl-calls-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.WriteString(list)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	_, err = RunCommand(ctx, time.Minute, argv, list, IDsFileEnv+"="+file.Name())
	return err
}

// RunCommand runs a program without a shell and returns its output.
func RunCommand(ctx context.Context, timeout time.Duration, argv []string, stdin string, env ...string) ([]byte, error) {
	out, _, err := runCommand(ctx, timeout, argv, stdin, env...)
	return out, err
}

// runCommand is RunCommand that returns the standard error, too.
func runCommand(ctx context.Context, timeout time.Duration, argv []string, stdin string, env ...string) (stdout, stderr []byte, _ error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // the user's own command
	cmd.Env = append(cmd.Environ(), env...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.WaitDelay = time.Second
	out, errs := &capped{max: maxOutput}, &capped{max: 4 << 10}
	cmd.Stdout, cmd.Stderr = out, errs
	// One that leaves another behind, such as a server, may keep the output open.
	if err := cmd.Run(); err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		if ctx.Err() != nil {
			err = fmt.Errorf("no end within %s", timeout)
		}
		return nil, nil, fmt.Errorf("%q: %w%s", argv[0], err, lastSaid(errs.Bytes()))
	}
	return out.Bytes(), errs.Bytes(), nil
}
