package fakejira_test

import (
	"fmt"
	"net/http"
	"strings"

	"teleport-jira/internal/fakejira"
)

// A daemon makes an issue over the API, and Alice drags its card.
func Example() {
	jira, err := fakejira.New(fakejira.Board(fakejira.Cloud))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer jira.Close()
	jira.RegisterWebhook(fakejira.Webhook{
		URL: "https://daemon.example.com/", Secret: "s",
		Lose: func(d fakejira.Delivery) bool { fmt.Println("webhook", d.Event); return true },
	})

	client := &http.Client{Transport: jira.RoundTripper()}
	req, err := http.NewRequest(http.MethodPost, "https://jira.example.com/rest/api/2/issue", strings.NewReader(
		`{"fields": {"project": {"key": "TAR"}, "issuetype": {"name": "Task"}, "summary": "alice requested editor"}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	req.Header.Set("Content-Type", "application/json")
	req.SetBasicAuth(fakejira.BotEmail, fakejira.BotToken)
	resp, err := client.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.StatusCode)

	if err := jira.Drag("TAR-1", "Approved", fakejira.AliceID); err != nil {
		fmt.Println(err)
		return
	}
	iss, err := jira.Issue("TAR-1")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(iss.Status.Name, "by", iss.Moves()[0].Author)
	// Output:
	// webhook jira:issue_created
	// 201
	// webhook jira:issue_updated
	// Approved by alice
}
