"""Jobs: what waits, what is at work, how long it takes, what had to be healed."""

from charts.dashboards.panels import Dashboard, Panel, quantiles, rate, share

JOBS = Dashboard(
    "pixo-jobs",
    "Pixo / Jobs",
    "What waits, what is at work, how long it takes, what had to be healed.",
    {
        "Queue": [
            Panel("Jobs, by state", [("sum by (state) (pixo_jobs{NS})", "{{state}}")], stacked=True),
            Panel("Oldest job not ended", [("max(pixo_jobs_oldest_unfinished_age_seconds{NS})", "age")], "s"),
            Panel("Tiles of jobs at work", [("sum by (state) (pixo_tiles{NS})", "{{state}}")], stacked=True),
            Panel("Lanes with tiles out", [("sum(pixo_lanes{NS})", "lanes")]),
            Panel(
                "Tiles out a lane",
                [('sum(pixo_tiles{NS, state="out"}) / (sum(pixo_lanes{NS}) > 0)', "fill of the windows")],
                about="Up to PIXO_WINDOW; less where a lane runs dry.",
            ),
            Panel("Tasks published", [(rate("pixo_tasks_published_total"), "tasks")], "ops"),
        ],
        "Time": [
            Panel("Upload to end, small jobs", quantiles("pixo_job_duration_seconds", where='NS, size="small"'), "s"),
            Panel("Upload to end, bulk jobs", quantiles("pixo_job_duration_seconds", where='NS, size="bulk"'), "s"),
            Panel("Joining", quantiles("pixo_results_stitch_duration_seconds"), "s"),
        ],
        "Ends": [
            Panel("Jobs ended", [(rate("pixo_jobs_completed_total", "outcome"), "{{outcome}}")], "ops", stacked=True),
            Panel(
                "Share of jobs that failed",
                [(share("pixo_jobs_completed_total", 'outcome="failed"'), "failed")],
                "percentunit",
            ),
            Panel("Tiles reported twice", [(rate("pixo_results_duplicates_total"), "duplicates")], "ops"),
        ],
        "Healing": [
            Panel(
                "What reconciler and sweep did",
                [("sum by (action) (increase(pixo_results_repairs_total{NS}[$__rate_interval])) > 0", "{{action}}")],
                width=16,
                about="Records and trims are routine; many publishes or joins: something was lost or killed.",
            ),
            Panel("Requests in hand", [("sum by (pod) (pixo_http_requests_in_flight{NS})", "{{pod}}")]),
        ],
    },
)
