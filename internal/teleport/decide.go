package teleport

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/teleport/api/utils"
	"github.com/gravitational/trace"

	"teleport-jira/internal/access"
)

// Decide submits a person's decision in the mode in use.
// It does not judge whether the person may decide: it has to be asked before.
// Every answer that is final comes as an Outcome, also that a role is missing;
// an error means that trying again may help. After an unsure error a repeated
// Decide finds its own earlier effect by the decision's token.
func (c *Client) Decide(ctx context.Context, d access.Decision) (access.Outcome, error) {
	state, ok := teleportState(d.State)
	if !ok {
		return access.Outcome{}, &access.Error{
			Op: "decide request", Key: string(d.RequestID), Class: access.Permanent,
			Err: fmt.Errorf("%q is no verdict", d.State),
		}
	}
	mode, _ := c.ReviewMode()
	user := c.user()
	switch mode {
	case access.ModeOnBehalf:
		return c.reviewOnBehalf(ctx, d, state, user)
	case access.ModeState:
		return c.setState(ctx, d, state, user)
	case access.ModeReview, access.ModeAuto:
	}
	review := types.AccessReview{Author: user, ProposedState: state, Reason: reviewReason(d)}
	return c.review(ctx, d, access.Outcome{Mode: access.ModeReview, Reviewer: user}, review)
}

// reviewOnBehalf submits the review of the mapped Teleport user. An unmapped
// person is turned away: nobody else's name is put in that place.
func (c *Client) reviewOnBehalf(
	ctx context.Context, d access.Decision, state types.RequestState, user string,
) (access.Outcome, error) {
	out := access.Outcome{Mode: access.ModeOnBehalf, Reviewer: d.Author}
	if d.Author == "" {
		out.Result = access.NotAllowed
		out.Detail = fmt.Sprintf("no Teleport user is known for %s, and reviews are submitted in the person's own name",
			d.By.Handle())
		return out, nil
	}
	review := types.AccessReview{
		Author: d.Author, ProposedState: state, Reason: reviewReason(d),
		XXX_unrecognized: onBehalfFields(user),
	}
	return c.review(ctx, d, out, review)
}

// review submits a review and reads the answer.
func (c *Client) review(
	ctx context.Context, d access.Decision, out access.Outcome, review types.AccessReview,
) (access.Outcome, error) {
	after, err := call(ctx, c, methodReview(), string(d.RequestID),
		func(ctx context.Context, a api) (types.AccessRequest, error) {
			return a.SubmitAccessReview(ctx, types.AccessReviewSubmission{
				RequestID: string(d.RequestID), Review: review,
			})
		})
	if err != nil {
		return c.refusal(ctx, d, out, err)
	}
	out.Result = access.Submitted
	if req, err := convertRequest(after); err == nil {
		out.Request = req
	}
	return out, nil
}

// setState sets the state itself. The server lets a denial overwrite an
// approval, so that a settled request is recognised here first.
func (c *Client) setState(
	ctx context.Context, d access.Decision, state types.RequestState, user string,
) (access.Outcome, error) {
	out := access.Outcome{Mode: access.ModeState, Reviewer: user}
	before, err := c.Request(ctx, d.RequestID)
	if errors.Is(err, access.ErrNotFound) {
		return gone(out), nil
	}
	if err != nil {
		return access.Outcome{}, err
	}
	if before.State.Settled() {
		return settled(d, out, before), nil
	}
	_, err = call(ctx, c, methodSetState(), string(d.RequestID), func(ctx context.Context, a api) (struct{}, error) {
		return struct{}{}, a.SetAccessRequestState(utils.WithDelegator(ctx, "jira:"+oneLine(d.By.Handle(), maxPerson)),
			types.AccessRequestUpdate{RequestID: string(d.RequestID), State: state, Reason: reviewReason(d)})
	})
	if err != nil {
		return c.refusal(ctx, d, out, err)
	}
	out.Result = access.Submitted
	out.Request = c.afterwards(ctx, d)
	return out, nil
}

// refusal tells final answers, which become the outcome, from errors that may
// pass.
func (c *Client) refusal(
	ctx context.Context, d access.Decision, out access.Outcome, err error,
) (access.Outcome, error) {
	switch {
	case errors.Is(err, access.ErrNotFound):
		return gone(out), nil
	case trace.IsAccessDenied(err), trace.IsBadParameter(err):
	default:
		return access.Outcome{}, err
	}
	out.Detail = plainWords(err)
	if out.Mode == access.ModeState {
		return c.stateRefused(ctx, d, out, trace.IsAccessDenied(err)), nil
	}
	// The server tells these apart by text only.
	switch text := strings.ToLower(out.Detail); {
	case strings.Contains(text, "already reviewed"), strings.Contains(text, "already been"),
		strings.Contains(text, "been already"):
		return c.already(ctx, d, out, text), nil
	case strings.Contains(text, "cannot submit reviews on behalf of"):
		out.Detail += ". " + c.ruleFor(access.ModeOnBehalf)
	case lacksRole(text) && out.Mode == access.ModeOnBehalf:
		out.Detail += fmt.Sprintf(". A role of %q needs allow.review_requests for the requested roles, and nobody can review their own request", d.Author)
	case lacksRole(text):
		out.Detail += ". " + c.ruleFor(out.Mode)
	}
	out.Result = access.NotAllowed
	return out, nil
}

// lacksRole tells whether Teleport's words mean that no role of the reviewer lets
// them review: no request at all, or not this one.
func lacksRole(text string) bool {
	return strings.Contains(text, "cannot submit reviews") || strings.Contains(text, "cannot review request")
}

// stateRefused tells a request that somebody settled in the meantime from a
// right that is missing.
func (c *Client) stateRefused(ctx context.Context, d access.Decision, out access.Outcome, denied bool) access.Outcome {
	if now := c.afterwards(ctx, d); now != nil && now.State.Settled() {
		return settled(d, out, now)
	}
	if denied {
		out.Detail += ". " + c.ruleFor(access.ModeState)
	}
	out.Result = access.NotAllowed
	return out
}

// already sorts out an answer that somebody was first.
func (c *Client) already(ctx context.Context, d access.Decision, out access.Outcome, text string) access.Outcome {
	out.Request = c.afterwards(ctx, d)
	switch {
	case out.Request != nil && submittedBefore(d, out):
		out.Result, out.Detail = access.Submitted, ""
	case strings.Contains(text, "already reviewed"):
		out.Result = access.AlreadyReviewed
	default:
		out.Result = access.AlreadySettled
	}
	return out
}

// settled is the outcome for a request that was settled before the decision.
func settled(d access.Decision, out access.Outcome, req *access.Request) access.Outcome {
	out.Request = req
	if submittedBefore(d, out) {
		out.Result, out.Detail = access.Submitted, ""
		return out
	}
	out.Result = access.AlreadySettled
	out.Detail = "the request is already " + string(req.State)
	return out
}

func gone(out access.Outcome) access.Outcome {
	out.Result, out.Detail = access.AlreadySettled, "the request is gone"
	return out
}

// submittedBefore tells whether out.Request bears this very decision: an
// earlier attempt whose answer was lost.
func submittedBefore(d access.Decision, out access.Outcome) bool {
	req := out.Request
	for _, review := range req.Reviews {
		if review.Author == out.Reviewer && review.State == d.State && strings.HasSuffix(review.Reason, d.Token()) {
			return true
		}
	}
	return out.Mode == access.ModeState && req.State == d.State && strings.HasSuffix(req.ResolveReason, d.Token())
}

// afterwards is the request as it stands now; nil when it can't be read, since
// the decision itself has been answered.
func (c *Client) afterwards(ctx context.Context, d access.Decision) *access.Request {
	req, err := c.Request(ctx, d.RequestID)
	if err != nil {
		c.log.Debug("request not read after its decision",
			"request_id", d.RequestID, "issue_key", d.Issue.Key, "error", err)
		return nil
	}
	return req
}

// ruleFor names what is missing for the mode. Where the mode was chosen for
// want of the right to review, that right would do as well.
func (c *Client) ruleFor(mode access.ReviewMode) string {
	user := c.user()
	if mode == access.ModeState && c.cfg.ReviewMode == access.ModeAuto && c.cluster.Load().advanced {
		return fmt.Sprintf("A role of %q needs allow.review_requests.roles with the requested roles, such as ['*'], "+
			"or allow.rules: [{resources: [access_request], verbs: [update]}]", user)
	}
	switch mode {
	case access.ModeOnBehalf:
		return fmt.Sprintf("A role of %q needs allow.review_requests.submit_for_users: ['*'], on a cluster that knows it", user)
	case access.ModeState:
		return fmt.Sprintf("A role of %q needs allow.rules: [{resources: [access_request], verbs: [update]}]", user)
	case access.ModeReview, access.ModeAuto:
	}
	return fmt.Sprintf("A role of %q needs allow.review_requests.roles with the requested roles, such as ['*']", user)
}
