package sandbox

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

// standIn makes the test binary stand in for the daemon's program.
const standIn = "SANDBOX_STAND_IN"

func TestMain(m *testing.M) {
	if os.Getenv(standIn) != "" {
		playDaemon()
		return
	}
	goleak.VerifyTestMain(m)
}

// playDaemon says what it was started with, and ends when it is told to.
func playDaemon() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	_, _ = fmt.Fprintln(os.Stdout, "up", os.Args[1:])
	<-stop
	_, _ = fmt.Fprintln(os.Stdout, "stopped in good order")
}
