"""The workers: how much they do, what their time goes into, whether they have what they need."""

from charts.dashboards.panels import Dashboard, Panel, quantiles, rate, share

THROTTLED = 'sum by (pod) (rate(container_cpu_cfs_{}_total{{NS, pod=~".*worker.*"}}[$__rate_interval]))'
ITS = "and on (pod, instance) pixo_worker_inflight_tiles"

WORKERS = Dashboard(
    "pixo-workers",
    "Pixo / Workers",
    "How much workers do, what their time goes into, whether they have what they need.",
    {
        "Throughput": [
            Panel(
                "Tiles, by filter",
                [(rate("pixo_worker_tiles_total", "operation"), "{{operation}}")],
                "ops",
                stacked=True,
            ),
            Panel(
                "Pixels, by filter",
                [(rate("pixo_worker_tile_pixels_total", "operation"), "{{operation}}")],
                stacked=True,
            ),
            Panel("Bytes in and out", [(rate("pixo_worker_bytes_total", "direction"), "{{direction}}")], "Bps"),
            Panel(
                "Share of tiles that failed",
                [(share("pixo_worker_tiles_total", 'outcome=~"error|dead_lettered"'), "failed")],
                "percentunit",
            ),
            Panel("Time of a tile, by filter", quantiles("pixo_worker_tile_duration_seconds", "operation"), "s"),
            Panel(
                "Time of a tile",
                [("sum by (le) (rate(pixo_worker_tile_duration_seconds_bucket{NS}[$__rate_interval]))", "{{le}}")],
                "s",
                kind="heatmap",
            ),
        ],
        "Where the time goes": [
            Panel(
                "Seconds a second in each stage",
                [(rate("pixo_worker_stage_duration_seconds_sum", "stage"), "{{stage}}")],
                "short",
                stacked=True,
                about="Storing and publishing overlap with the next tile's computing.",
            ),
            Panel("95th percentile of each stage", quantiles("pixo_worker_stage_duration_seconds", "stage"), "s"),
            Panel(
                "Decoders found open",
                [(f"1 - {rate('pixo_worker_decoders_opened_total')} / {rate('pixo_worker_tiles_total')}", "share")],
                "percentunit",
                about="A tile whose decoder is not open costs decoding from the top of its lane.",
            ),
        ],
        "Each worker": [
            Panel(
                "Busy",
                [("sum by (pod) (rate(pixo_worker_busy_seconds_total{NS}[$__rate_interval]))", "{{pod}}")],
                "percentunit",
            ),
            Panel("Tiles inside", [("sum by (pod) (pixo_worker_inflight_tiles{NS})", "{{pod}}")]),
            Panel(
                "Partitions of tasks held",
                [('sum by (pod) (pixo_kafka_consumer_assigned_partitions{NS, topic=~".*tasks"})', "{{pod}}")],
            ),
            Panel(
                "Memory",
                [(f"process_resident_memory_bytes{{NS}} {ITS}", "{{pod}}")],
                "bytes",
            ),
            Panel(
                "Processors used",
                [
                    (
                        f"rate(process_cpu_seconds_total{{NS}}[$__rate_interval]) {ITS}",
                        "{{pod}}",
                    )
                ],
            ),
            Panel(
                "Throttled (cluster)",
                [(f"{THROTTLED.format('throttled_periods')} / {THROTTLED.format('periods')}", "{{pod}}")],
                "percentunit",
                about="Of cAdvisor: the share of periods in which a CPU limit, if there is one, stopped the worker.",
            ),
        ],
        "Who lives": [
            Panel("Workers, by state", [("sum by (state) (pixo_workers{NS})", "{{state}}")], stacked=True),
            Panel("Oldest last heartbeat", [("max(pixo_heartbeat_age_seconds{NS})", "age")], "s"),
            Panel("Heartbeats", [(rate("pixo_heartbeats_total", "role"), "{{role}}")], "ops"),
            Panel(
                "Dead letters, by reason",
                [("sum by (reason) (increase(pixo_dead_letters_total{NS}[$__rate_interval]))", "{{reason}}")],
            ),
            Panel(
                "Breakers tripped",
                [("sum by (pod) (pixo_worker_breaker_open{NS})", "{{pod}}")],
                about="A worker in which job after job failed takes no more work: look for a bad deployment.",
            ),
            Panel(
                "Restarts of workers (cluster)",
                [('sum by (pod) (kube_pod_container_status_restarts_total{NS, pod=~".*worker.*"})', "{{pod}}")],
                about="Of kube-state-metrics.",
            ),
        ],
    },
)
