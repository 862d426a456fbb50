"""Imports every module of the generated client, and lists tasks with it."""

import sys
from importlib import import_module
from pkgutil import walk_packages

import todoward_client
from todoward_client.api.tasks import list_tasks
from todoward_client.models import TaskList

for module in walk_packages(todoward_client.__path__, "todoward_client."):
    import_module(module.name)

url, token = sys.argv[1:]
client = todoward_client.AuthenticatedClient(base_url=url, token=token)
page = list_tasks.sync(client=client)
assert isinstance(page, TaskList), page
for task in page.items:
    print(task.title)
