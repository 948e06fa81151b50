"""A server that is overloaded now and then: try again, later each time."""

import radiopool.http as urllib3

retries = urllib3.Retry(
    total=5,
    status_forcelist=[500, 502, 503, 504],
    backoff_factor=0.01,
    backoff_jitter=0.01,
)
http = urllib3.PoolManager(retries=retries, timeout=urllib3.Timeout(connect=2, read=10))

try:
    response = http.request("GET", "http://files.example/flaky")
    print(response.status, "after", len(response.retries.history), "retries")
except urllib3.exceptions.MaxRetryError as error:
    print("gave up:", error.reason)
