package throttle

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// latencyOfAll is how long the server takes for any answer.
const latencyOfAll = 50 * time.Millisecond

// server stands for a Jira with one limit, of calls a second: counted in a
// token bucket of that size, or by the second.
type server struct {
	mu       sync.Mutex
	permits  int // a second; 0 means any number
	windowed bool
	extra    []*http.Response // answers to give first
	tokens   float64
	filled   time.Time
	window   time.Time
	used     int

	sent    []time.Time // of all calls
	issues  []string    // that they write to
	served  []time.Time
	refused int
}

// RoundTrip implements http.RoundTripper.
func (s *server) RoundTrip(req *http.Request) (*http.Response, error) {
	resp := s.answer(CallOf(req.Context()).Issue)
	timer := time.NewTimer(latencyOfAll)
	defer timer.Stop()
	select {
	case <-timer.C:
		return resp, nil
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
}

func (s *server) answer(issue string) *http.Response {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.sent, s.issues = append(s.sent, now), append(s.issues, issue)
	if len(s.extra) > 0 {
		first := s.extra[0]
		s.extra = s.extra[1:]
		return first
	}
	if !s.take(now) {
		s.refused++
		return answer(http.StatusTooManyRequests, "Retry-After", "1", "RateLimit-Reason", "jira-burst-based")
	}
	s.served = append(s.served, now)
	return answer(http.StatusOK)
}

func (s *server) take(now time.Time) bool {
	if s.permits == 0 {
		return true
	}
	if s.windowed {
		if second := now.Truncate(time.Second); second.After(s.window) {
			s.window, s.used = second, 0
		}
		s.used++
		return s.used <= s.permits
	}
	if s.filled.IsZero() {
		s.tokens = float64(s.permits)
	} else {
		s.tokens = min(float64(s.permits), s.tokens+now.Sub(s.filled).Seconds()*float64(s.permits))
	}
	s.filled = now
	if s.tokens < 1 {
		return false
	}
	s.tokens--
	return true
}

func (s *server) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sent)
}

func newTransport(t *testing.T, cfg Config, s *server) *Transport {
	t.Helper()
	m, err := NewMetrics(nil)
	require.NoError(t, err)
	if cfg.Concurrency == 0 {
		cfg.Concurrency = 128
	}
	transport := NewTransport(cfg, m, s)
	transport.SetCloud(true)
	return transport
}

// send makes a call once.
func send(ctx context.Context, tr *Transport, endpoint string) (int, error) {
	return sendAs(WithCall(ctx, Call{Endpoint: endpoint}), tr)
}

// sendAs makes the call that the context describes once.
func sendAs(ctx context.Context, tr *Transport) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://jira.example.com", http.NoBody)
	if err != nil {
		return 0, err
	}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// burst makes n calls that succeed, from so many workers.
func burst(t *testing.T, tr *Transport, endpoint string, n, workers int) {
	t.Helper()
	next := make(chan struct{})
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for range next {
				for {
					status, err := send(t.Context(), tr, endpoint)
					if err != nil {
						t.Errorf("call: %v", err)
					}
					if status != http.StatusTooManyRequests {
						break
					}
				}
			}
		})
	}
	for range n {
		next <- struct{}{}
	}
	close(next)
	all.Wait()
}

// TestPermittedRatesAreUsed: at least 90 % of what is permitted, whichever way
// it is counted, and refusals become rare.
func TestPermittedRatesAreUsed(t *testing.T) {
	for _, permits := range []int{20, 100, 400} {
		for _, windowed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d a second, windowed %v", permits, windowed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := &server{permits: permits, windowed: windowed}
					n, workers := 12*permits, 128
					burst(t, newTransport(t, Config{}, s), "/issue", n, workers)
					// The bucket is full to begin with: what counts is the rest.
					took := s.served[n-1].Sub(s.served[permits-1]).Seconds()
					used := float64(n-permits) / took / float64(permits)
					t.Logf("%.1f %% used, %d refusals", 100*used, s.refused)
					require.Greater(t, used, 0.9)
					require.Less(t, s.refused, 3*workers)
				})
			})
		}
	}
}

func TestARateThatSomebodyElseUsedUpIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{permits: 20, windowed: true}
		tr := newTransport(t, Config{}, s)
		burst(t, tr, "/issue", 30, 32)
		s.permits = 0
		began := time.Now()
		burst(t, tr, "/issue", 1000, 128)
		require.Less(t, time.Since(began), 8*time.Second, "at 20 a second it would take fifty")
	})
}

func TestAQuotaTeachesNoRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		tr := newTransport(t, Config{}, s)
		burst(t, tr, "/issue", 100, 4)
		s.extra = []*http.Response{answer(http.StatusTooManyRequests, "Retry-After", "1", "RateLimit-Reason", "jira-quota-tenant-based")}
		burst(t, tr, "/issue", 1, 1)
		began := time.Now()
		burst(t, tr, "/issue", 1000, 64)
		require.Less(t, time.Since(began), 3*time.Second, "at the rate before the refusal it would take five")
	})
}

// TestWaitingCallsAreSentInOrder: a call is not overtaken by those that come
// after it, however many there are.
func TestWaitingCallsAreSentInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{permits: 20, windowed: true}
		tr := newTransport(t, Config{}, s)
		burst(t, tr, "/issue", 41, 64) // shows the rate
		for tr.backoffs.left(keys{endpoint: "POST /issue"}) > 0 {
			<-time.After(100 * time.Millisecond)
		}
		before := s.count()
		var all sync.WaitGroup
		var want []string
		for i := range 40 {
			// Each names itself by the issue that it writes to.
			ctx := WithCall(t.Context(), Call{Endpoint: "/issue", Issue: fmt.Sprint(i)})
			want = append(want, fmt.Sprint(i))
			all.Go(func() {
				if _, err := sendAs(ctx, tr); err != nil {
					t.Errorf("call: %v", err)
				}
			})
			<-time.After(time.Millisecond)
		}
		all.Wait()
		require.Equal(t, want, s.issues[before:])
	})
}

func TestOtherEndpointsDoNotWaitForALimitOfOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{permits: 20, windowed: true}
		tr := newTransport(t, Config{}, s)
		burst(t, tr, "/issue", 41, 64)
		s.permits = 0
		var all sync.WaitGroup
		all.Go(func() { burst(t, tr, "/issue", 200, 64) })
		<-time.After(10 * time.Millisecond)
		began := time.Now()
		burst(t, tr, "/issue/{issue}/comment", 50, 1)
		require.Less(t, time.Since(began), 51*latencyOfAll+500*time.Millisecond)
		all.Wait()
	})
}

func TestNothingIsSentDuringABackoff(t *testing.T) {
	for name, cfg := range map[string]Config{"without a ceiling": {}, "below a ceiling": {RequestsPerSecond: 1}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{extra: []*http.Response{answer(http.StatusTooManyRequests, "Retry-After", "30")}}
				tr := newTransport(t, cfg, s)
				var all sync.WaitGroup
				all.Go(func() { burst(t, tr, "/issue", 8, 8) })
				<-time.After(5 * time.Second)
				before := s.count()
				<-time.After(25 * time.Second)
				require.Equal(t, before, s.count())
				all.Wait()
				require.Equal(t, 9, s.count())
			})
		})
	}
}

// TestAWaitThatOutlastsTheDeadlineFailsAtOnce for a backoff as for the queue of
// a rate.
func TestAWaitThatOutlastsTheDeadlineFailsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{permits: 20, windowed: true}
		tr := newTransport(t, Config{}, s)
		burst(t, tr, "/issue", 41, 64)
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if _, err := send(t.Context(), tr, "/issue"); err != nil {
					t.Errorf("call: %v", err)
				}
			})
		}
		<-time.After(1500 * time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		began, before := time.Now(), s.count()
		_, err := send(ctx, tr, "/issue")
		var backoff *BackoffError
		require.ErrorAs(t, err, &backoff)
		require.Greater(t, backoff.After, 500*time.Millisecond)
		var notSent *NotSentError
		require.ErrorAs(t, err, &notSent)
		require.Equal(t, began, time.Now())
		require.Equal(t, before, s.count())
		all.Wait()
	})
}

// TestAGivenUpCallLeavesEverythingToOthers wherever it waits.
func TestAGivenUpCallLeavesEverythingToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{permits: 20, windowed: true}
		tr := newTransport(t, Config{Concurrency: 8}, s)
		burst(t, tr, "/issue", 41, 64)
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() { _, _ = send(ctx, tr, "/issue") })
		}
		<-time.After(1200 * time.Millisecond)
		cancel()
		all.Wait()
		require.Zero(t, tr.concurrency.inFlight)
		for key, one := range tr.rates.of {
			require.Zero(t, one.waiting, key)
			require.Empty(t, one.line, key)
		}
		burst(t, tr, "/issue", 20, 20)
	})
}

func TestARefusalThatComesLateChangesNoRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, k := newRates(), keys{endpoint: "POST /issue"}
		var sent []time.Time
		for range 150 {
			at, ok := r.admit(k)
			require.True(t, ok)
			sent = append(sent, at)
			<-time.After(5 * time.Millisecond)
		}
		r.refused(k.endpoint, k, sent[149], time.Now())
		<-time.After(rateSpan)
		learned := r.of[k.endpoint].calls
		require.Equal(t, 149, learned)
		for range 60 {
			<-time.After(100 * time.Millisecond)
			_, ok := r.admit(k)
			require.True(t, ok)
		}
		r.refused(k.endpoint, k, sent[148], time.Now())
		require.Equal(t, learned, r.of[k.endpoint].calls)
	})
}

// TestNoMoreThanTheRateIsAdmitted whatever waits: counting and sending are one step.
func TestNoMoreThanTheRateIsAdmitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, k := newRates(), keys{endpoint: "POST /issue"}
		var last time.Time
		for range 31 {
			last, _ = r.admit(k)
			<-time.After(time.Millisecond)
		}
		r.refused(k.endpoint, k, last, time.Now())
		<-time.After(rateSpan)
		admitted := 0
		for range 100 {
			if _, ok := r.admit(k); ok {
				admitted++
			}
		}
		require.Equal(t, 30, admitted)
		require.Positive(t, r.of[k.endpoint].wait(time.Now()))
	})
}

func TestBackoffsWithoutATimeDouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := newBackoffs(), keys{endpoint: "POST /issue"}
		var waits []time.Duration
		for range 8 {
			b.begin(k.endpoint, 0, time.Now())
			waits = append(waits, b.left(k))
			require.NoError(t, b.wait(t.Context(), k))
		}
		require.Equal(t, []time.Duration{1e9, 2e9, 4e9, 8e9, 16e9, 32e9, maxGuess, maxGuess}, waits)
		b.succeeded(k)
		b.begin(k.endpoint, 0, time.Now())
		require.Equal(t, firstBackoff, b.left(k))
	})
}

func TestAnErrorOfTheConnectionGivesThePlaceBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTransport(t, Config{Concurrency: 1}, &server{})
		ctx, cancel := context.WithTimeout(t.Context(), latencyOfAll/2)
		defer cancel()
		_, err := send(ctx, tr, "/issue")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		var notSent *NotSentError
		require.NotErrorAs(t, err, &notSent, "it was sent")
		status, err := send(t.Context(), tr, "/issue")
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, status)
	})
}

func BenchmarkRoundTrip(b *testing.B) {
	m, err := NewMetrics(nil)
	if err != nil {
		b.Fatal(err)
	}
	tr := NewTransport(Config{Concurrency: 128}, m, atOnce{})
	ctx := WithCall(b.Context(), Call{Endpoint: "/issue/{issue}/comment", Issue: "/issue/10001"})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://jira.example.com", http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			resp, err := tr.RoundTrip(req)
			if err != nil {
				b.Error(err)
				return
			}
			_ = resp.Body.Close()
		}
	})
}

// atOnce answers without any latency.
type atOnce struct{}

// RoundTrip implements http.RoundTripper.
func (atOnce) RoundTrip(*http.Request) (*http.Response, error) { return answer(http.StatusOK), nil }
