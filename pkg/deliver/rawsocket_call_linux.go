//go:build linux && !386 && !s390x && !race

package deliver

import "syscall"

func sendNow(fd uintptr, p []byte) (n int, errno syscall.Errno) {
	return direct(syscall.SYS_SENDTO, fd, p, syscall.MSG_NOSIGNAL)
}

func receiveNow(fd uintptr, p []byte) (n int, errno syscall.Errno) {
	return direct(syscall.SYS_RECVFROM, fd, p, 0)
}
