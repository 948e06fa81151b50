"""A form with a file in it."""

import radiopool.http as urllib3

http = urllib3.PoolManager()

with open("photo.jpg", "rb") as file:
    contents = file.read()

response = http.request(
    "POST",
    "http://files.example/upload",
    fields={
        "title": "At the sea",
        "photo": ("photo.jpg", contents, "image/jpeg"),
    },
)
print(response.json()["parts"])
