"""A mail server of this process: takes letters, refuses, asks for patience, or hangs, as it is told."""

import asyncio
import contextlib
import ssl


class MailServer:
    """`answers`: to a command, once each and before all is well; an empty one: none comes, ever.

    `secure`: its certificate, for whoever wants to be encrypted. `ended`: connections that are over.
    """

    def __init__(self, secure: ssl.SSLContext | None = None, **answers: str) -> None:
        self.secure, self.answers = secure, answers
        self.letters: list[str] = []
        self.said: list[str] = []
        self.encrypted: list[bool] = []
        self.ended = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            await self._talk(reader, writer)
        self.ended += 1
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._answer(reader, writer, "hello", "220 there")
        while line := (await reader.readline()).decode().strip():
            self.said.append(line)
            command = line.split()[0].lower()
            well = "250 well"
            if command == "ehlo":
                well = "250-there\r\n250 AUTH PLAIN"
                if self.secure is not None and writer.get_extra_info("sslcontext") is None:
                    well = "250-there\r\n250-STARTTLS\r\n250 AUTH PLAIN"
            elif command == "starttls":
                well = "220 go"
            elif command == "auth":
                well = "235 you are"
            elif command == "data":
                well = "354 speak"
            elif command == "quit":
                well = "221 bye"
            went_well = await self._answer(reader, writer, command, well)
            if command == "starttls" and went_well:
                assert self.secure is not None
                await writer.start_tls(self.secure)
            elif command == "data" and went_well:
                text = (await reader.readuntil(b"\r\n.\r\n")).decode()
                if await self._answer(reader, writer, "letter", "250 taken"):
                    self.letters.append(text)
                    self.encrypted.append(writer.get_extra_info("sslcontext") is not None)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, what: str, well: str) -> bool:
        answer = self.answers.pop(what, well)
        if not answer:
            await reader.read()  # until the other side has had enough
            raise ConnectionResetError
        writer.write(f"{answer}\r\n".encode())
        await writer.drain()
        return answer == well
