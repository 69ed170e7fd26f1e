"""The first look: do users get what they want, is anything broken, where."""

from charts.dashboards.panels import Dashboard, Panel, quantiles, rate, share

OVERVIEW = Dashboard(
    "pixo-overview",
    "Pixo / Overview",
    "Whether users get what they want, and where it hurts if not.",
    {
        "Now": [
            Panel("Jobs at work", [('sum(pixo_jobs{NS, state="active"})', "")], kind="stat", width=4),
            Panel("Jobs waiting", [('sum(pixo_jobs{NS, state="waiting"})', "")], kind="stat", width=4),
            Panel("Workers alive", [('sum(pixo_workers{NS, state="alive"})', "")], kind="stat", width=4),
            Panel(
                "Workers late or dead",
                [('sum(pixo_workers{NS, state=~"stale|dead"})', "")],
                kind="stat",
                width=4,
                worse=(1, 2),
            ),
            Panel(
                "Dead letters, last hour",
                [("sum(increase(pixo_dead_letters_total{NS}[1h]))", "")],
                kind="stat",
                width=4,
                worse=(0.5, 5),
            ),
            Panel(
                "Tiles unaccounted for",
                [("sum(pixo_tiles_unaccounted{NS})", "")],
                kind="stat",
                width=4,
                worse=(1, 1),
                about="Tiles that are neither to do, nor out, nor done: always 0, else a fault of Pixo's.",
            ),
        ],
        "What users see": [
            Panel("Jobs ended", [(rate("pixo_jobs_completed_total", "outcome"), "{{outcome}}")], "ops", stacked=True),
            Panel(
                "Upload to end, by size",
                quantiles("pixo_job_duration_seconds", "size"),
                "s",
                about="The figure that users feel. Small: up to 16 megapixels, or of high priority.",
            ),
            Panel(
                "Share of requests that failed",
                [(share("pixo_http_requests_total", 'code=~"5.."'), "5xx")],
                "percentunit",
            ),
            Panel("Requests", [(rate("pixo_http_requests_total", "code"), "{{code}}")], "reqps", stacked=True),
            Panel("Time to answer", quantiles("pixo_http_request_duration_seconds"), "s"),
            Panel(
                "Time to answer, by route",
                quantiles("pixo_http_request_duration_seconds", "route"),
                "s",
                about="95th percentile. Requests that asked to wait are left out.",
            ),
        ],
        "What comes in": [
            Panel("Jobs taken, by filter", [(rate("pixo_jobs_submitted_total", "operation"), "{{operation}}")], "ops"),
            Panel(
                "Uploads refused, by reason",
                [(f"{rate('pixo_jobs_rejected_total', 'reason')} > 0", "{{reason}}")],
                "ops",
            ),
            Panel("Size of uploads", quantiles("pixo_upload_bytes"), "bytes"),
        ],
        "Work": [
            Panel(
                "Tiles, by outcome", [(rate("pixo_worker_tiles_total", "outcome"), "{{outcome}}")], "ops", stacked=True
            ),
            Panel("Pixels", [(rate("pixo_worker_tile_pixels_total"), "pixels/s")], "short"),
            Panel(
                "How long tiles lie in Kafka",
                quantiles("pixo_task_queue_wait_seconds"),
                "s",
                about="From publishing until a worker takes it: too few workers show here first.",
            ),
        ],
        "What it stands on": [
            Panel("Reached by the monitor", [("min by (part) (pixo_part_up{NS})", "{{part}}")], "short"),
            Panel("Redis: time of an answer", quantiles("pixo_redis_duration_seconds"), "s"),
            Panel("Store: time of a call", quantiles("pixo_store_duration_seconds", "call"), "s"),
            Panel(
                "Calls given up",
                [
                    (rate("pixo_redis_errors_total"), "redis"),
                    (rate("pixo_store_errors_total"), "store"),
                    (rate("pixo_kafka_produce_errors_total"), "kafka"),
                ],
                "ops",
            ),
            Panel("Steps tried again", [(rate("pixo_retries_total", "part"), "{{part}}")], "ops"),
            Panel("Redis: memory", [("sum by (kind) (pixo_redis_memory_bytes{NS})", "{{kind}}")], "bytes"),
        ],
    },
)
