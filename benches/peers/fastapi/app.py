"""A peer to measure Todoward against: FastAPI and SQLModel, on asyncpg, uvloop
and httptools. It has the four operations that are measured, verifies the token,
and puts the owner into every WHERE clause. Nothing else of Todoward's contract."""

import json
import os
import time
import uuid
from datetime import UTC, date, datetime
from typing import Annotated, Literal

import jwt
from fastapi import Depends, FastAPI, Header, HTTPException, Response
from pydantic import BaseModel, ConfigDict, Field as Member
from sqlalchemy import DateTime, case, not_, update
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import Field, SQLModel, select
from sqlmodel.ext.asyncio.session import AsyncSession

SECRET = os.environ["BETTER_AUTH_SECRET"].encode()
PRIORITIES = ("none", "low", "medium", "high")

# Each request is one statement: without a transaction around it two round trips
# are saved.
engine = create_async_engine(
    os.environ["DATABASE_URL"].replace("postgres://", "postgresql+asyncpg://"),
    isolation_level="AUTOCOMMIT",
    pool_size=int(os.environ.get("POOL_SIZE", "8")),
    max_overflow=0,
)
app = FastAPI(openapi_url=None)


class Task(SQLModel, table=True):
    __tablename__ = "tasks"
    owner_id: str = Field(primary_key=True)
    id: uuid.UUID = Field(primary_key=True)
    title: str
    title_lower: str
    description: str | None
    description_lower: str | None
    completed: bool
    completed_at: datetime | None = Field(sa_type=DateTime)
    priority: int
    due_date: date | None
    tags: str
    version: int
    updated_at: datetime = Field(sa_type=DateTime)
    # Minutes of the day.
    due_time: int | None = None
    time_zone: str | None = None
    recurrence: str | None = None
    list_id: uuid.UUID | None = None
    parent_id: uuid.UUID | None = None
    position: str | None = None
    next_id: uuid.UUID | None = None
    deleted_at: datetime | None = Field(None, sa_type=DateTime)
    change: int = 0


class TaskOut(BaseModel):
    id: uuid.UUID
    owner_id: str
    title: str
    description: str | None
    completed: bool
    completed_at: str | None
    priority: str
    due_date: date | None
    due_time: int | None
    time_zone: str | None
    # Never computed: no task that is measured has a time or a rule.
    due_at: str | None
    recurrence: str | None
    tags: list[str]
    list_id: uuid.UUID | None
    parent_id: uuid.UUID | None
    position: str
    next_id: uuid.UUID | None
    version: int
    created_at: str
    updated_at: str
    deleted_at: str | None


class Page(BaseModel):
    items: list[TaskOut]
    next_cursor: str | None


class Draft(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: str = Member(min_length=1, max_length=200)
    description: str | None = Member(None, max_length=5000)
    priority: Literal["none", "low", "medium", "high"] = "none"
    due_date: date | None = None
    tags: list[Annotated[str, Member(min_length=1, max_length=50)]] = Member([], max_length=20)


async def owner_of(authorization: Annotated[str, Header()] = "") -> str:
    scheme, _, token = authorization.partition(" ")
    try:
        if scheme != "Bearer":
            raise jwt.InvalidTokenError
        options = {"require": ["exp", "sub"]}
        return jwt.decode(token, SECRET, algorithms=["HS256"], options=options, leeway=15)["sub"]
    except jwt.InvalidTokenError as error:
        raise HTTPException(401) from error


async def database():
    async with AsyncSession(engine, expire_on_commit=False) as session:
        yield session


Owner = Annotated[str, Depends(owner_of)]
Session = Annotated[AsyncSession, Depends(database)]


def instant(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds") + "Z"


def created_at(id: uuid.UUID) -> datetime:
    return datetime.fromtimestamp((id.int >> 80) / 1000, UTC).replace(tzinfo=None)


def shown(task: Task) -> TaskOut:
    return TaskOut(
        id=task.id,
        owner_id=task.owner_id,
        title=task.title,
        description=task.description,
        completed=task.completed,
        completed_at=task.completed_at and instant(task.completed_at),
        priority=PRIORITIES[task.priority],
        due_date=task.due_date,
        due_time=task.due_time,
        time_zone=task.time_zone,
        due_at=None,
        recurrence=task.recurrence,
        tags=json.loads(task.tags),
        list_id=task.list_id,
        parent_id=task.parent_id,
        position=task.position or task.id.hex,
        next_id=task.next_id,
        version=task.version,
        created_at=instant(created_at(task.id)),
        updated_at=instant(task.updated_at),
        deleted_at=task.deleted_at and instant(task.deleted_at),
    )


def now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def new_id() -> uuid.UUID:
    """A UUIDv7 (RFC 9562)."""
    random = int.from_bytes(os.urandom(10)) & ~(0xF << 76) & ~(0x3 << 62)
    return uuid.UUID(int=(int(time.time() * 1000) << 80) | (0x7 << 76) | (0x2 << 62) | random)


@app.get("/api/v1/tasks")
async def list_tasks(
    owner: Owner,
    session: Session,
    limit: Annotated[int, Member(ge=1, le=200)] = 50,
    cursor: uuid.UUID | None = None,
) -> Page:
    statement = select(Task).where(Task.owner_id == owner, Task.deleted_at.is_(None))
    if cursor:
        statement = statement.where(Task.id < cursor)
    statement = statement.order_by(Task.id.desc()).limit(limit + 1)
    tasks = (await session.exec(statement)).all()
    items = [shown(task) for task in tasks[:limit]]
    return Page(items=items, next_cursor=str(items[-1].id) if len(tasks) > limit else None)


@app.post("/api/v1/tasks", status_code=201)
async def create_task(owner: Owner, session: Session, draft: Draft, response: Response) -> TaskOut:
    id = new_id()
    task = Task(
        owner_id=owner,
        id=id,
        title=draft.title,
        title_lower=draft.title.lower(),
        description=draft.description,
        description_lower=draft.description and draft.description.lower(),
        completed=False,
        completed_at=None,
        priority=PRIORITIES.index(draft.priority),
        due_date=draft.due_date,
        tags=json.dumps(draft.tags),
        version=1,
        updated_at=created_at(id),
    )
    session.add(task)
    await session.commit()
    response.headers["Location"] = f"/api/v1/tasks/{id}"
    return shown(task)


@app.get("/api/v1/tasks/{id}")
async def read_task(owner: Owner, session: Session, id: uuid.UUID) -> TaskOut:
    statement = select(Task).where(Task.owner_id == owner, Task.id == id, Task.deleted_at.is_(None))
    task = (await session.exec(statement)).first()
    if task is None:
        raise HTTPException(404)
    return shown(task)


@app.patch("/api/v1/tasks/{id}/complete")
async def complete_task(owner: Owner, session: Session, id: uuid.UUID) -> TaskOut:
    at = now()
    statement = (
        update(Task)
        .where(Task.owner_id == owner, Task.id == id, Task.deleted_at.is_(None))
        .values(
            completed=not_(Task.completed),
            completed_at=case((Task.completed, None), else_=at),
            version=Task.version + 1,
            updated_at=at,
            change=0,
        )
        .returning(Task)
        .execution_options(synchronize_session=False)
    )
    task = (await session.exec(statement)).scalars().first()
    if task is None:
        raise HTTPException(404)
    return shown(task)
