package testworld

import "time"

// Until asks again and again, every so often, whether it is done, and reports
// whether it was within the limit.
func Until(limit, every time.Duration, done func() bool) bool {
	timeout := time.After(limit)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for !done() {
		select {
		case <-timeout:
			return done()
		case <-tick.C:
		}
	}
	return true
}
