package fakejira_test

import (
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

// until429 calls until the double refuses, and gives the calls that passed.
func until429(j *jira, method, path string, body any) (passed int, header http.Header) {
	for {
		status, _, h := j.do(method, path, body)
		if status == http.StatusTooManyRequests {
			return passed, h
		}
		passed++
	}
}

func TestBurstLimitPerKindOfCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := fakejira.Board(fakejira.Cloud)
		o.Limits = fakejira.Limits{Get: 100, Post: 10, Put: 5}
		j := start(t, o)
		path := issuesPath + "/" + j.create()

		passed, header := until429(j, "GET", "/rest/api/2/myself", nil)
		require.Equal(t, 100, passed)
		require.Equal(t, "1", header.Get("Retry-After"))
		require.Equal(t, "100", header.Get("X-RateLimit-Limit"))
		require.Equal(t, "0", header.Get("X-RateLimit-Remaining"))
		require.Equal(t, "jira-burst-based", header.Get("RateLimit-Reason"))
		reset, err := time.Parse(time.RFC3339, header.Get("X-RateLimit-Reset"))
		require.NoError(t, err)
		require.WithinDuration(t, time.Now(), reset, time.Second)

		posts, _ := until429(j, "POST", path+"/comment", obj{"body": "b"})
		require.Equal(t, 9, posts, "posts have a bucket of their own, and creating took one")
		puts, _ := until429(j, "PUT", path+"/properties/k", 1)
		require.Equal(t, 5, puts)

		elapse(100 * time.Millisecond)
		passed, _ = until429(j, "GET", "/rest/api/2/myself", nil)
		require.Equal(t, 10, passed, "buckets fill continuously")
	})
}

func TestWriteLimitPerIssue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := fakejira.Board(fakejira.Cloud)
		o.Limits = fakejira.CloudLimits()
		j := start(t, o)
		one, two := issuesPath+"/"+j.create(), issuesPath+"/"+j.create()
		passed, header := until429(j, "POST", one+"/comment", obj{"body": "b"})
		require.Equal(t, 20, passed)
		require.Equal(t, "jira-per-issue-on-write", header.Get("RateLimit-Reason"))
		require.Equal(t, "2", header.Get("Retry-After"))
		j.call(http.StatusOK, "GET", one, nil)
		j.call(http.StatusCreated, "POST", two+"/comment", obj{"body": "b"})

		total := passed
		for range 4 {
			elapse(2 * time.Second)
			n, _ := until429(j, "POST", one+"/comment", obj{"body": "b"})
			total += n
		}
		require.Equal(t, 100, total)
		_, header = until429(j, "POST", one+"/comment", obj{"body": "b"})
		seconds, err := strconv.Atoi(header.Get("Retry-After"))
		require.NoError(t, err)
		require.Equal(t, 22, seconds, "100 writes in 30 s")
	})
}

func TestRetryAfterCanBeMissing(t *testing.T) {
	j := start(t, fakejira.Board(fakejira.Cloud))
	j.SetLimits(fakejira.Limits{Get: 1, NoRetryAfter: true})
	_, header := until429(j, "GET", "/rest/api/2/myself", nil)
	require.Empty(t, header.Get("Retry-After"))
	require.NotEmpty(t, header.Get("X-RateLimit-Limit"))
}

func TestDataCenterSendsLimitsWithEveryAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := fakejira.Board(fakejira.DataCenter)
		o.Limits = fakejira.Limits{Get: 10}
		j := start(t, o)
		_, _, header := j.do("GET", "/rest/api/2/myself", nil)
		require.Equal(t, "0", header.Get("Retry-After"))
		require.Equal(t, "9", header.Get("X-RateLimit-Remaining"))
		require.Equal(t, "10", header.Get("X-RateLimit-FillRate"))
		require.Equal(t, "1", header.Get("X-RateLimit-Interval-Seconds"))
		_, header = until429(j, "GET", "/rest/api/2/myself", nil)
		require.Equal(t, "1", header.Get("Retry-After"))
		require.Equal(t, "0", header.Get("X-RateLimit-Remaining"))
		require.Equal(t, "10", header.Get("X-RateLimit-FillRate"))
		require.Empty(t, header.Get("RateLimit-Reason"))
	})
}
